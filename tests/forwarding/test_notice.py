"""There is no room for a patient in a notice."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime

import pytest

from forwarding.notice import FaultNotice, GatheredAlert, Kind, Notice, as_json, ward_code
from forwarding.wording import subject, text
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
        "step",  # numbers alone
        "starts_at",
        "runs_since",
        "gathered",
        "reply",
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


def test_a_fault_of_the_telling_says_what_takes_nothing_and_no_more() -> None:
    at = datetime(2026, 11, 2, 11, 0, tzinfo=UTC)
    began = FaultNotice("ivigilant-incident-1-began", "began", "destination", "pager", "https://inbox.example/", at)

    assert subject(began) == "[IVIg] Storing: meldingen naar pager komen niet aan"
    assert (
        subject(replace(began, kind="ended", language="en")) == "[IVIg] Resolved: notices to pager are arriving again"
    )
    assert "https://inbox.example/" in text(began)
    assert json.loads(as_json(began))["fault"] == {
        "kind": "destination",
        "subject": "pager",
        "link": "https://inbox.example/",
    }
    with pytest.raises(ValueError, match="subject"):
        replace(began, subject="pager of Mrs Jansen")


def test_the_label_of_a_reply_says_how_many_alerts_it_takes_on() -> None:
    def gathered(number: int, kind: Kind) -> GatheredAlert:
        return GatheredAlert(f"AL{number}", kind, "high", f"https://ivigilant.example/alerts/AL{number}", number)

    reply = "https://ivigilant.example/reply/abc"
    one = text(a_notice(reply=reply))
    several = text(a_notice(reply=reply, gathered=tuple(gathered(at, "raised") for at in (41, 42, 43))))
    with_one_that_ended = text(a_notice(reply=reply, gathered=(gathered(41, "raised"), gathered(42, "resolved"))))

    assert "Ik pak dit op (" in one
    assert "Ik pak deze 3 signalen op (" in several
    assert "Ik pak dit op (" in with_one_that_ended


@pytest.mark.parametrize(
    ("language", "says", "advises"),
    [("nl", "loopt sinds 05:00", "Loopt er een infusie"), ("en", "running since 05:00", "If an infusion is running")],
)
def test_of_an_order_that_has_begun_it_says_so_and_what_can_still_be_done(
    language: str, says: str, advises: str
) -> None:
    begun = a_notice(runs_since=datetime(2025, 3, 10, 5, tzinfo=UTC), language=language)

    assert says in subject(begun)
    assert advises in text(begun)
    assert advises not in text(replace(begun, runs_since=None))
    assert json.loads(as_json(begun))["alert"]["runs_since"] == "2025-03-10T05:00:00+00:00"
