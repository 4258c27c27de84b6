"""The leaflet of warning signs that a patient takes home: nothing on it is about anybody."""

from litestar import get
from litestar.response import Template

from inbox.http.pages import page
from inbox.http.parts import AnyRequest


@get("/leaflet", include_in_schema=False, sync_to_thread=False)
def show_leaflet(request: AnyRequest) -> Template:
    """Show it in every language of the site, each on a page of its own when printed."""
    return page(request, "leaflet.html")
