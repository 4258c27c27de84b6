"""The page on which somebody chooses a theme, a sound and the saved views."""

from typing import Any
from urllib.parse import parse_qsl

from litestar import Response, get, post
from litestar.exceptions import ClientException
from litestar.params import URLEncodedBody
from litestar.response import Template
from msgspec.structs import replace

from inbox.http.pages import page, to_page
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.permissions import Permission, needs
from inbox.people.preferences import LONGEST, LONGEST_QUERY, THEMES, Preferences, SavedView, keep

Form = URLEncodedBody[dict[str, str]]
_FILTERS = frozenset({"status", "channel", "tier", "ward", "whose"})


@get("/preferences", opt=needs(Permission.SESSION_OWN), include_in_schema=False, sync_to_thread=False)
def show_preferences(request: AnyRequest) -> Template:
    """Show what was chosen, and what else there is."""
    return page(request, "preferences.html", themes=THEMES)


@post("/preferences", opt=needs(Permission.SESSION_OWN), include_in_schema=False, sync_to_thread=True)
def choose_preferences(request: AnyRequest, data: Form) -> Response[Any]:
    """Keep a theme and whether there is a sound."""
    theme = next((each for each in THEMES if each == data.get("theme")), None)
    if theme is None:
        raise ClientException("there is no such theme")
    _keep(request, replace(request.user.preferences, theme=theme, sound=data.get("sound") == "on"))
    return to_page("/preferences")


@post("/views", opt=needs(Permission.ALERTS_READ), include_in_schema=False, sync_to_thread=True)
def save_view(request: AnyRequest, data: Form) -> Response[Any]:
    """Save the filter of the list under a name."""
    name, query = data.get("name", "").strip()[:LONGEST], data.get("query", "").removeprefix("/").removeprefix("?")
    if len(query) > LONGEST_QUERY:
        raise ClientException("the filter is too long to be saved")
    if name and all(key in _FILTERS for key, _ in parse_qsl(query)):
        _keep(request, request.user.preferences.with_view(SavedView(name, query)))
    return to_page(f"/?{query}" if query else "/")


@post("/views/remove", opt=needs(Permission.ALERTS_READ), include_in_schema=False, sync_to_thread=True)
def remove_view(request: AnyRequest, data: Form) -> Response[Any]:
    """Remove a saved view."""
    _keep(request, request.user.preferences.without_view(data.get("name", "")))
    return to_page("/preferences")


def _keep(request: AnyRequest, chosen: Preferences) -> None:
    if request.user.user_id is not None:
        with parts_of(request).engine.begin() as connection:
            keep(connection, request.user.user_id, chosen)
