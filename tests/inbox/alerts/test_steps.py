"""What the page of an alert says is to be done now: nothing about a dose that was given, or once it lapsed."""

import re
from typing import Any

import pytest

from tests.inbox.builders import NOW, a_case, a_conclusion, a_text
from tests.inbox.sites import Client, Site

LINES = {"hold": "Hold it.", "prophylaxis": "Consider it.", "record": "Write it down.", "watch": "Ask about symptoms."}
REACTION = {"stream": "pharmacovigilance", "tier": "high"}


def a_case_told(next_dose: str | None) -> dict[str, Any]:
    case: dict[str, Any] = {
        "events": [],
        "doses": [],
        "lots": [],
        "next_dose": next_dose,
        "medicines": [],
        "naranjo": [],
    }
    return {
        "case": case | {"next_dose": next_dose},
        "does": [["hold"], ["record"]],
        "advice": [a_text("", LINES[act]) for act in ("hold", "record")],
    }


def given() -> dict[str, Any]:
    """An order whose dose was given this morning."""
    told = a_conclusion()
    told["order"] |= {"start": "2026-11-21T07:00:00+00:00", "state": "completed"}
    return told


def running() -> dict[str, Any]:
    """An order that began an hour ago."""
    told = a_conclusion()
    told["order"] |= {"start": "2026-11-21T12:00:00+00:00"}
    return told


@pytest.mark.parametrize(
    ("told", "columns", "now", "later"),
    [
        (a_conclusion(), {}, ["hold"], ["prophylaxis", "record", "watch"]),
        (running(), {}, ["hold", "watch", "prophylaxis"], ["record"]),
        (given(), {}, ["watch", "prophylaxis", "record"], ["hold"]),
        (a_conclusion(), {"status": "resolved"}, [], ["hold", "prophylaxis", "record", "watch"]),
        (a_conclusion(), {"badges": ["deceased"]}, [], ["hold", "prophylaxis", "record", "watch"]),
        (a_conclusion(**a_case_told("2026-12-01")), REACTION, ["hold"], ["record"]),
        (a_conclusion(**a_case_told(None)), REACTION, ["record"], ["hold"]),
        (a_conclusion(**a_case_told(None)), REACTION | {"badges": ["deceased"]}, ["record"], ["hold"]),
        (a_conclusion(**a_case_told(None)), REACTION | {"status": "resolved"}, [], ["hold", "record"]),
    ],
)
def test_what_is_to_be_done_now_depends_on_what_can_still_be_done(
    one_page: Client, one_site: Site, told: dict[str, Any], columns: dict[str, Any], now: list[str], later: list[str]
) -> None:
    if "case" not in told:
        told |= {"does": [[act] for act in LINES], "advice": [a_text("", line) for line in LINES.values()]}
    with one_site.engine.begin() as connection:
        alert = a_case(connection, told=told | {"now": 1}, opened_at=NOW, **columns)

    card = one_page.get(f"/alerts/{alert}").text.split('id="advice"')[1].split("</section>")[0]

    at_once, _, unfolded = card.partition("<details")
    assert [act for act in re.findall("|".join(LINES.values()), at_once) if act] == [LINES[act] for act in now]
    assert re.findall("|".join(LINES.values()), unfolded) == [LINES[act] for act in later]
    assert ("Nothing is left to do." in at_once) == (not now)
