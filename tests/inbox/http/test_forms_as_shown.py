"""The forms that pages hold are taken as they stand there, with the token that the page gave them."""

from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

import inbox
from tests.inbox.sites import Client, Site, sign_in
from tests.inbox.test_barriers import PATHS, all_kinds

TEMPLATES = Path(inbox.__file__).parent / "templates"
RULE = "IG-VTE-001"
PAGES = {
    "lead": (*PATHS, "/notices", "/preferences", "/rules/trial", "/alerts/1/report"),
    "administrator": ("/accounts", "/password"),
    "auditor": ("/access",),
}
HELD = {  # a page of each kind holds these
    "lead": {"/alerts/1/take_on", "/codes/1/map", f"/rules/trial/{RULE}/1", "/search", "/preferences", "/sign-out"},
    "administrator": {"/accounts", "/accounts/1/end", "/password"},
    "auditor": {"/access"},
}


@dataclass
class ShownForm:
    """A form of a page: where it goes, and what it sends."""

    action: str
    values: dict[str, str] = field(default_factory=dict)


class FormReader(HTMLParser):
    """Reads the forms of a page that are posted."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.forms: list[ShownForm] = []
        self._is_in_form = False
        self._list = ""  # the name of the list whose choices follow
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "form":
            self._is_in_form = given.get("method") == "post"
            if self._is_in_form:
                self.forms.append(ShownForm(given.get("action") or ""))
        elif self._is_in_form and tag in ("input", "button") and given.get("name"):
            self.forms[-1].values.setdefault(str(given["name"]), given.get("value") or "")
        elif self._is_in_form and tag == "select":
            self._list = str(given["name"])
        elif self._is_in_form and tag == "option":
            self.forms[-1].values.setdefault(self._list, given.get("value") or "")

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._is_in_form = False


def forms_of(client: Client, path: str) -> list[ShownForm]:
    return FormReader(client.get(path).text).forms


def refused(client: Client, shown: list[ShownForm]) -> list[str]:
    """Return where what a page holds is refused; signing out goes last, for it ends the session."""
    ordered = sorted(shown, key=lambda each: each.action == "/sign-out")
    answers = [(each.action, client.post(each.action, data=each.values, follow_redirects=False)) for each in ordered]
    return [action for action, answer in answers if answer.status_code in (403, 404, 405, 500)]


@pytest.mark.parametrize("role", PAGES)
def test_every_form_of_every_page_is_taken(one_site: Site, role: str) -> None:
    all_kinds(one_site)
    rules = tuple(
        replace(rule, form=rule.form.model_copy(update={"status": "trial"})) if rule.id == RULE else rule
        for rule in one_site.knowledge.rules
    )
    one_site.knowledge = replace(one_site.knowledge, rules=rules)
    one_site.add_user("rik")
    one_site.add_user("els", role=role)
    with one_site.client() as client:
        sign_in(client, "els")
        found = [each for path in PAGES[role] for each in forms_of(client, path)]
        shown = list({each.action: each for each in reversed(found)}.values())

        assert HELD[role] <= {each.action for each in shown}
        assert refused(client, shown) == []


def test_the_form_of_who_is_not_signed_in_is_taken(one_client: Client) -> None:
    shown = forms_of(one_client, "/sign-in")

    assert "/sign-in" in {each.action for each in shown}
    assert refused(one_client, shown) == []


def test_every_form_that_is_posted_is_given_the_token_of_ours() -> None:
    for each in TEMPLATES.glob("*.html"):
        text = each.read_text(encoding="utf-8")
        forms = [form.partition("</form>")[0] for form in text.split("<form ")[1:]]
        asked = [
            form for form in forms if 'method="post"' in form and 'action="/reply/' not in form
        ]  # its address opens it
        assert (each.name, [form for form in asked if "form_token" not in form]) == (each.name, [])
        assert "csrf_input" not in text
