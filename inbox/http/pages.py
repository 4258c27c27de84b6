"""How a page is made: its template, its words, and who is looking."""

from typing import Any
from urllib.parse import quote, urlsplit

from jinja2 import Environment
from litestar import Request, Response
from litestar.response import Redirect, Template
from markupsafe import Markup

from clinical.words import FOUND_TIERS, in_language
from inbox.alerts.changes import changes_told, worse_told
from inbox.http.forms import FIELD, form_token
from inbox.http.masking import shown_number
from inbox.http.parts import languages_wished, parts_of
from inbox.people.authentication import recognise, viewer_of
from inbox.people.viewer import Viewer
from rules.knowledge import Knowledge

LANGUAGE = "ivigilant_language"  # the cookie that remembers a language before sign-in

FILTERED = ("/", "/messages", "/codes", "/merges", "/sign-in")  # pages that read what their address says

AnyRequest = Request[Any, Any, Any]


def language_of(request: AnyRequest, reader: Viewer | None = None) -> str:
    """Return the language of the viewer or reader, else of her browser, else of the site."""
    viewer = viewer_of(request) or reader
    wished = languages_wished(request.headers.get("Accept-Language", ""))
    return parts_of(request).language(viewer.language if viewer else "", request.cookies.get(LANGUAGE, ""), *wished)


def page(
    request: AnyRequest,
    name: str,
    status: int = 200,
    *,
    reader: Viewer | None = None,
    session: str = "",
    **context: Any,
) -> Template:
    """Make a page from its template.

    `reader` is whoever is known to read it without signing in, `session` the token of a session that begins with it.
    """
    parts, language = parts_of(request), language_of(request, reader)
    masked = parts.settings.masked_authorities
    everywhere = {
        "t": parts.words[language],
        "all_words": parts.words,
        "n": parts.notation(language),
        "language": language,
        "languages": parts.settings.languages,
        "site_name": parts.settings.site_name,
        "viewer": viewer_of(request),
        "form_token": Markup('<input type="hidden" name="{}" value="{}">').format(FIELD, form_token(request, session)),
        "here": request.url.path,
        "changes": lambda data: changes_told(data, parts.notation(language), titles_of(parts.knowledge, language)),
        "worse": lambda events: worse_told(events, parts.notation(language), titles_of(parts.knowledge, language)),
        "evidence_of": lambda rule, line: evidence_of(parts.knowledge, rule, line, language),
        "asked": _asked(request),
        "now": parts.clock(),
        "mask": lambda authority, value: shown_number(authority, value, masked),
        "authority": lambda name: "BSN" if name in masked else name,
    }
    return Template(name, context=everywhere | context, status_code=status)


def environment_of(request: AnyRequest) -> Environment:
    """Return the templates, for a piece of a page that is drawn by itself."""
    engine: Any = request.app.template_engine
    environment: Environment = engine.engine
    return environment


def titles_of(knowledge: Knowledge, language: str) -> dict[str, str]:
    """Return the titles of the rules, the gravest rule first.

    The number of a guideline that may stand behind a title in brackets is left out.
    """
    gravest_first = sorted(knowledge.rules, key=lambda rule: FOUND_TIERS.index(rule.form.alert.tier))
    return {rule.id: in_language(rule.title, language).partition(" (KNMP")[0] for rule in gravest_first}


def evidence_of(knowledge: Knowledge, rule: str, line: str, language: str) -> str:
    """Return a line of evidence as a rule has it in a language; as it is, where the rule no longer has that line."""
    cited = next((each.cited for each in knowledge.rules if each.id == rule), knowledge.policy.escalation_evidence)
    return cited[line][language] if line in cited else line


def _asked(request: AnyRequest) -> str:
    """Return the page as it was asked for, filters and all; what a form showed cannot be asked for again."""
    path, query = request.url.path, request.url.query
    if request.method != "GET":
        viewer = viewer_of(request)
        return viewer.home if viewer else "/"
    return f"{path}?{query}" if query and path in FILTERED else path


def error_page(request: AnyRequest, status: int, headers: dict[str, Any] | None = None) -> Response[Any]:
    """Return what went wrong and where to go from here."""
    if status < 500:
        recognise(request)
    words = parts_of(request).words[language_of(request)]
    known = str(status) if f"error.{status}.title" in words.words else ("500" if status >= 500 else "400")
    answer = page(request, "error.html", status, kind=known, may_ask_again=request.method == "GET")
    answer.headers.update(headers or {})
    return answer


def to_sign_in(request: AnyRequest) -> Response[Any]:
    """Send somebody to the sign-in page, and back to where they wanted to be when they have signed in."""
    if is_fragment(request):
        wanted = urlsplit(request.headers.get("HX-Current-URL", "")).path or "/"
    else:
        wanted = request.url.path if request.method == "GET" else "/"
    where = "/sign-in" if wanted == "/" or not is_own_path(wanted) else f"/sign-in?next={quote(wanted)}"
    if is_fragment(request):
        return Response(None, status_code=401, headers={"HX-Redirect": where})
    return Redirect(where, status_code=303)


def is_fragment(request: AnyRequest) -> bool:
    """Return whether a part of an open page asks for itself, not a person for a page."""
    return request.headers.get("HX-Request") == "true"


def to_page(path: str) -> Redirect:
    """Show a page after something was done."""
    return Redirect(path, status_code=303)


def is_own_path(path: str) -> bool:
    """Return whether a path stays within this site: `//elsewhere` and `/\\elsewhere` do not."""
    return path.startswith("/") and not path.startswith(("//", "/\\")) and "\n" not in path and "\r" not in path
