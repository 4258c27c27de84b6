"""The page of the interface says what the code reads."""

from parsers.hl7 import message_types
from tests.field.interface_page import EVENTS, PAGE, WHAT, write_page


def test_the_page_is_what_make_docs_writes() -> None:
    assert PAGE.read_text(encoding="utf-8") == write_page()


def test_every_message_that_is_read_is_on_it() -> None:
    sets = [getattr(message_types, name) for name in WHAT]

    assert frozenset().union(*sets) == message_types.READ


def test_every_kind_of_event_has_words() -> None:
    page = PAGE.read_text(encoding="utf-8")

    assert [what for what in EVENTS.values() if what not in page] == []
