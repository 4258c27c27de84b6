"""The page of one rule."""

from litestar import get
from litestar.params import FromPath
from litestar.response import Template

from inbox.pages import page
from inbox.parts import AnyRequest


@get("/rules/{rule_id:str}", include_in_schema=False, sync_to_thread=True)
def show_rule(request: AnyRequest, rule_id: FromPath[str]) -> Template:
    """Show one rule."""
    return page(request, "rule.html", rule=None)
