"""A list that was drawn before: only what changed is drawn again, and it reads as one drawn for the first time."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import jinja2
import pytest
import sqlalchemy as sa
from jinja2 import meta
from markupsafe import Markup

from inbox.app import HERE
from store import alerts, tables
from store.alerts import AlertFilter, Conclusions, Happening, list_alerts
from tests.inbox.builders import NOW, a_case, a_conclusion, a_person, an_event
from tests.inbox.sites import Client, Site, sign_in

TOKEN = re.compile(r'name="_csrf_token" value="[^"]*"')


@pytest.fixture
def ward(one_site: Site) -> Site:
    """An inbox with six alerts that differ, and those who look at it."""
    for name, language in (("els", "en"), ("rik", "en"), ("nel", "nl")):
        one_site.add_user(name, language=language)
    differing: list[dict[str, Any]] = [
        {"assigned_to": "els", "status": "taken_on", "due_at": NOW + timedelta(minutes=45, seconds=17)},
        {"assigned_to": "rik", "status": "taken_on", "due_at": NOW - timedelta(minutes=3)},
        {"due_at": NOW + timedelta(seconds=20)},
        {"tier": "moderate", "snoozed_until": NOW + timedelta(hours=30)},
        {"tier": "high", "stream": "pharmacovigilance"},
        {"badges": ["deceased"]},
    ]
    with one_site.engine.begin() as connection:
        for number, columns in enumerate(differing):
            told = a_conclusion()
            told["patient"] |= {"name": f"Patient {number}", "ward": f"W{number % 2}"}
            told["order"] |= {"start": (NOW + timedelta(minutes=6 * number, seconds=25)).isoformat()}
            patient = a_person(connection, f"p{number}", f"p{number}")
            a_case(connection, patient=patient, number=f"n{number}", told=told, **columns)
    return one_site


@dataclass
class Desks:
    """Those who look at one inbox, each from a browser of her own."""

    client: Client
    cookies: dict[str, dict[str, str]] = field(default_factory=dict)

    def show(self, name: str, path: str = "/") -> str:
        """Return what somebody sees, without the secret of the page's forms."""
        self.client.cookies.clear()
        if name in self.cookies:
            self.client.cookies.update(self.cookies[name])
        else:
            sign_in(self.client, name)
            self.cookies[name] = dict(self.client.cookies)
        return TOKEN.sub("", self.client.get(path).text)

    def drawn(self) -> dict[str, Markup]:
        """Return the rows that the inbox holds, by the name of the patient."""
        rows: dict[Any, tuple[Any, Markup]] = self.client.app.state.parts.drawn.rows._held
        return {view.row.card.patient.name: text for view, text in rows.values()}


@pytest.fixture
def lasting(ward: Site) -> Iterator[Desks]:
    """An inbox that goes on from one look to the next."""
    with ward.client() as client:
        yield Desks(client)


def test_only_the_row_that_changed_is_drawn_again(lasting: Desks, ward: Site) -> None:
    lasting.show("els")
    before = lasting.drawn()

    with ward.engine.begin() as connection:
        alerts.update(connection, 3, Happening("changed", ward.now), tier="high")
    lasting.show("els")

    after = lasting.drawn()
    assert after.keys() == before.keys() and len(after) == 6
    assert {name for name in after if after[name] is not before[name]} == {"Patient 2"}


def test_a_list_that_was_drawn_before_reads_as_one_that_is_drawn_for_the_first_time(lasting: Desks, ward: Site) -> None:
    acts: list[dict[str, Any]] = [
        {"assigned_to": "rik"},
        {"assigned_to": None, "status": "open"},
        {"snoozed_until": ward.now + timedelta(hours=1)},
        {"priority": "routine", "badges": ["test"]},
    ]
    moments = (0, 5, 35, 61, 24 * 60, 24 * 3600)
    for number, seconds in enumerate(moments):
        ward.now = NOW + timedelta(seconds=seconds)
        if seconds == moments[-1]:
            lasting.cookies.clear()  # their sessions have ended by then
        with ward.engine.begin() as connection:
            change = sa.update(tables.alert).where(tables.alert.c.id == 1 + number % 6)
            connection.execute(change.values(acts[number % len(acts)]))
            an_event(connection, 6 - number % 6, kind="reopened", reason="tier_rose", at=ward.now)
        with ward.client() as client:
            new = Desks(client)
            for name, path in (("els", "/"), ("rik", "/"), ("nel", "/"), ("els", "/?ward=W1"), ("rik", "/?whose=mine")):
                assert lasting.show(name, path) == new.show(name, path), (seconds, name, path)


def test_an_alert_is_my_own_to_me_alone(lasting: Desks) -> None:
    hers, his, again = (lasting.show(name) for name in ("els", "rik", "els"))

    assert ('<span class="name">Me</span>' in hers, '<span class="name">els</span>' in hers) == (True, False)
    assert ('<span class="name">els</span>' in his, '<span class="name">rik</span>' in his) == (True, False)
    assert again == hers


def test_a_row_knows_nothing_but_what_it_is_compared_by() -> None:
    source = (HERE / "templates" / "row.html").read_text(encoding="utf-8")

    assert meta.find_undeclared_variables(jinja2.Environment(autoescape=True).parse(source)) == {"t", "n"}


def test_a_conclusion_is_read_once(ward: Site) -> None:
    conclusions = Conclusions(100)
    with ward.engine.connect() as connection:
        first = list_alerts(connection, AlertFilter(), None, None, conclusions)
        again = list_alerts(connection, AlertFilter(), None, None, conclusions)

        assert first == list_alerts(connection, AlertFilter(), None, None)
    assert [one.conclusion is other.conclusion for one, other in zip(first, again, strict=True)] == [True] * 6


def test_a_number_that_a_database_gives_again_brings_no_old_conclusion(ward: Site) -> None:
    conclusions = Conclusions(100)
    told, answer, alert = a_conclusion(), tables.assessment, tables.alert
    told["patient"] |= {"name": "Somebody else"}
    with ward.engine.begin() as connection:
        first = list_alerts(connection, AlertFilter(), None, None, conclusions)[0]
        connection.execute(sa.update(answer).where(answer.c.id == first.assessment_id).values(conclusion=told))
        later = first.changed_at + timedelta(microseconds=1)
        connection.execute(sa.update(alert).where(alert.c.id == first.id).values(changed_at=later))

        found = list_alerts(connection, AlertFilter(), None, None, conclusions)[0]

    assert found.conclusion.patient.name == "Somebody else"
