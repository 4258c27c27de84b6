"""There is no room for a patient in a notice."""

from dataclasses import fields
from datetime import datetime

import pytest

from forwarding.notice import Notice, ward_code
from tests.forwarding.builders import a_notice


def test_a_notice_has_these_fields_and_no_others() -> None:
    assert {field.name for field in fields(Notice)} == {
        "idempotency_key",
        "kind",
        "tier",
        "priority",
        "ward",
        "link",
        "alert",
        "sequence",
        "occurred_at",
        "language",
        "stream",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ward", "bed of Mrs Jansen"),
        ("ward", "C4\r\nBcc: all@example"),
        ("alert", "Jansen, W"),
        ("idempotency_key", ""),
        ("idempotency_key", "key\nX-Other: 1"),
        ("link", "https://ivigilant.example/alerts/AL41?patient=Jansen"),
        ("link", "https://jansen@ivigilant.example/alerts/AL41"),
        ("link", "/alerts/AL41"),
        ("link", "https://ivigilant.example/a b"),
        ("occurred_at", datetime(2025, 3, 10)),  # noqa: DTZ001  # a time without a zone is what is refused
    ],
)
def test_what_could_name_a_person_or_forge_a_header_is_refused(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=r"."):
        a_notice(**{field: value})


@pytest.mark.parametrize(
    ("location", "code"),
    [("C4NEU", "C4NEU"), (" d2-hem ", "d2-hem"), ("IC", "IC"), ("Jansen", ""), ("kamer van de heer J.", ""), ("", "")],
)
def test_a_ward_is_passed_on_only_when_it_is_a_code(location: str, code: str) -> None:
    assert ward_code(location) == code
    assert a_notice(ward=ward_code(location)).ward == code
