"""What somebody chose for the pages: a theme, a sound, and filters of the list under a name."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from inbox.people.preferences import DEFAULT, MOST_VIEWS, SavedView, read_preferences
from tests.inbox.builders import a_case, a_conclusion, a_person
from tests.inbox.desks import Desk, with_alerts
from tests.inbox.sites import Client, Site, form, sign_in


def views_on(page: Client) -> list[str]:
    shown = page.get("/").text
    return [part.partition("</a>")[0].rpartition("</kbd> ")[2] for part in shown.split('<a class="view"')[1:]]


def test_a_theme_and_a_sound_hold_for_one_person_on_every_machine(page: Client, client: Client, site: Site) -> None:
    before = page.get("/").text
    page.post("/preferences", data=form(page, theme="dark", sound="on"))
    chosen = page.get("/messages").text
    site.add_user("rik")
    with site.client() as other:
        same = sign_in(other, "els").get("/").text
    with site.client() as other:
        nobody_elses = sign_in(other, "rik").get("/").text

    assert "data-theme" not in before and "data-sound" not in before
    for shown in (chosen, same):
        assert '<html lang="en" data-theme="dark">' in shown
        assert " data-sound" in shown
    assert "data-theme" not in nobody_elses and "data-sound" not in nobody_elses


def test_the_theme_of_the_system_is_chosen_again_and_another_word_is_refused(one_page: Client) -> None:
    one_page.post("/preferences", data=form(one_page, theme="dark"))
    refused = one_page.post("/preferences", data=form(one_page, theme="pink"))
    kept = one_page.get("/").text
    one_page.post("/preferences", data=form(one_page, theme="system"))

    assert refused.status_code == 400
    assert 'data-theme="dark"' in kept
    assert "data-theme" not in one_page.get("/").text


def test_a_filter_is_saved_replaced_and_removed_under_its_name(page: Client, site: Site) -> None:
    answer = page.post("/views", data=form(page, name=" Night ", query="/?tier=high&ward=C4"), follow_redirects=False)
    page.post("/views", data=form(page, name="Mine", query="/?whose=mine"))
    too_long = page.post("/views", data=form(page, name="Long", query="/?ward=" + "C" * 500))
    page.post("/views", data=form(page, name="Night", query="/?tier=contraindication"))
    saved = page.get("/").text, views_on(page)
    page.post("/views/remove", data=form(page, name="Night"))

    assert answer.headers["location"] == "/?tier=high&ward=C4"
    assert too_long.status_code == 400
    assert saved[1] == ["Night", "Mine"]
    assert 'href="/?tier=contraindication"' in saved[0] and "ward=C4" not in saved[0]
    assert views_on(page) == ["Mine"]


@pytest.mark.parametrize("told", [{"name": "", "query": "/?tier=high"}, {"name": "x", "query": "/?patient=1000001"}])
def test_what_has_no_name_or_is_no_filter_is_not_saved(one_page: Client, told: dict[str, str]) -> None:
    one_page.post("/views", data=form(one_page, **told))

    assert views_on(one_page) == []


def test_there_is_room_for_as_many_views_as_digits() -> None:
    chosen = DEFAULT
    for number in range(MOST_VIEWS + 1):
        chosen = chosen.with_view(SavedView(str(number), "tier=high"))

    assert [each.name for each in chosen.views] == [str(number) for number in range(MOST_VIEWS)]


@pytest.mark.parametrize("stored", [None, {}, "dark", {"theme": "sepia"}, {"views": [{"name": 1}]}])
def test_what_cannot_be_read_is_as_if_nothing_was_chosen(stored: object) -> None:
    assert read_preferences(stored) == DEFAULT


def test_an_operator_has_a_theme_and_no_lists(one_client: Client, one_site: Site) -> None:
    one_site.add_user("otto", role="operator")
    operator = sign_in(one_client, "otto")

    assert "Saved lists" not in operator.get("/preferences").text
    assert operator.post("/views", data=form(operator, name="x", query="/")).status_code == 403


@pytest.mark.browser
def test_the_dark_theme_is_dark_where_the_system_is_light_and_a_digit_opens_a_saved_list(
    dutch_desk: Desk, one_site: Site
) -> None:
    with_alerts(one_site)
    page = dutch_desk.page
    page.emulate_media(color_scheme="light")
    dutch_desk.goes("/preferences")
    page.get_by_label("Donker").check()
    page.get_by_role("button", name="Bewaren", exact=True).click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")

    dutch_desk.goes("/?tier=high")
    page.get_by_text("Deze lijst bewaren").click()
    page.get_by_label("Naam").fill("Hoog")
    page.get_by_role("button", name="Bewaren", exact=True).click()
    expect(page.get_by_role("link", name="Hoog")).to_be_visible()
    dutch_desk.goes("/")
    page.locator("main").focus()
    dutch_desk.presses("1")
    page.wait_for_url("**/?tier=high")

    assert background == "rgb(14, 21, 23)"


@pytest.fixture
def listening(desk: Desk) -> Iterator[Page]:
    """The list of Els, who chose the sound and pressed a key."""
    desk.goes("/preferences")
    desk.page.get_by_label("A soft sound").check()
    desk.page.get_by_role("button", name="Save", exact=True).click()
    expect(desk.page.locator("body[data-sound]")).to_be_visible()
    desk.goes("/")
    desk.page.locator("main").focus()
    desk.presses("j")
    desk.page.wait_for_function("new AudioContext().state === 'running'")
    yield desk.page


def raised(site: Site, number: str, **columns: object) -> int:
    """Raise an alert that the open lists hear of."""
    with site.engine.begin() as connection:
        told = a_conclusion(channel=columns.pop("channel", "interrupt"))
        return a_case(connection, patient=a_person(connection, number, number), number=number, told=told, **columns)


@pytest.mark.browser
def test_a_new_alert_with_a_notice_sounds_and_what_is_quiet_or_ones_own_does_not(
    listening: Page, one_site: Site
) -> None:
    body = listening.locator("body")
    for number, columns in (("71", {"channel": "worklist"}), ("72", {"assigned_to": "els", "status": "taken_on"})):
        alert = raised(one_site, number, **columns)
        expect(listening.locator(f"#alert-{alert}")).to_be_visible()
    silent = body.get_attribute("data-rang")

    alert = raised(one_site, "73")

    expect(listening.locator(f"#alert-{alert}")).to_be_visible()
    expect(body).to_have_attribute("data-rang", "1")
    assert silent is None
