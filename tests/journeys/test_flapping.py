"""What comes and goes again and again is told once, as that, and once when it has stayed over."""

import pytest
import sqlalchemy as sa

from forwarding.errors import Refused
from forwarding.notice import as_json
from forwarding.wording import subject, text
from ivigilant.checkup import look_at
from ivigilant.settings import Settings
from rules.knowledge import Knowledge
from store import incidents, tables
from store.incidents import Incident
from tests.journeys.stories import Ordered, Problem
from tests.journeys.ward import WardOnCall
from worker.auditor import Auditor
from worker.incidents import tell_incidents

TWICE = [("began", False), ("ended", False)] * 2


@pytest.fixture
def ward(sqlite_engine: sa.Engine, knowledge: Knowledge) -> WardOnCall:
    return WardOnCall(sqlite_engine, knowledge)


def waits(ward: WardOnCall, minutes: int) -> None:
    """Let minutes pass, with an auditor that looks every other minute."""
    auditor = Auditor(ward.hospital.worker)
    for passed in range(0, minutes, 2):
        ward.hospital.clock.passes(minutes=min(2, minutes - passed))
        auditor.look()


def comes_and_goes(ward: WardOnCall, times: int, minutes: int = 5) -> None:
    """Let the canary fail and pass, so many times."""
    for _ in range(times):
        for record in (begins, ends):
            record(ward)
            waits(ward, minutes)


def begins(ward: WardOnCall) -> bool:
    with ward.hospital.engine.begin() as connection:
        return incidents.begin(connection, "canary", "canary", "raised", ward.hospital.clock())


def ends(ward: WardOnCall) -> bool:
    with ward.hospital.engine.begin() as connection:
        return incidents.end(connection, "canary", "canary", ward.hospital.clock())


def told(ward: WardOnCall) -> list[tuple[str, bool]]:
    """What the pager heard of it; not that steps are not tried: nobody carries them out here."""
    return [(fault.kind, fault.flaps) for fault in ward.sinks["pager"].faults if fault.fault != "telling"]


def stands(ward: WardOnCall) -> list[Incident]:
    with ward.hospital.engine.connect() as connection:
        return incidents.standing(connection)


def test_the_third_time_within_an_hour_it_is_told_as_one_that_flaps_and_then_no_more(ward: WardOnCall) -> None:
    comes_and_goes(ward, 8)

    assert told(ward) == [*TWICE, ("began", True)]
    assert [each.flaps for each in stands(ward)] == [True]


def test_it_is_over_when_it_has_stayed_so_for_an_hour(engine: sa.Engine, knowledge: Knowledge) -> None:
    ward = WardOnCall(engine, knowledge)
    comes_and_goes(ward, 4)
    waits(ward, 54)
    early = told(ward)

    waits(ward, 2)

    assert early == [*TWICE, ("began", True)]
    assert told(ward) == [*early, ("ended", False)]
    assert stands(ward) == []


def test_one_that_came_again_in_that_hour_starts_the_hour_anew(ward: WardOnCall) -> None:
    comes_and_goes(ward, 3)
    waits(ward, 50)
    comes_and_goes(ward, 1)
    waits(ward, 50)

    assert told(ward) == [*TWICE, ("began", True)]
    assert len(stands(ward)) == 1


def test_after_a_calm_hour_the_next_one_is_told_like_the_first(ward: WardOnCall) -> None:
    comes_and_goes(ward, 3)
    waits(ward, 125)

    begins(ward)
    waits(ward, 1)

    assert told(ward)[-2:] == [("ended", False), ("began", False)]


def test_what_comes_and_goes_over_a_day_is_told_each_time(ward: WardOnCall) -> None:
    comes_and_goes(ward, 4, minutes=31)

    assert told(ward) == TWICE * 2


def test_one_that_stands_without_a_break_does_not_flap(ward: WardOnCall) -> None:
    for _ in range(20):
        begins(ward)
        waits(ward, 1)

    assert told(ward) == [("began", False)]


def test_one_that_flapped_and_then_stays_is_told_once_more_as_standing_since_it_last_came_back(
    ward: WardOnCall,
) -> None:
    comes_and_goes(ward, 4)
    came_back = ward.hospital.clock()
    begins(ward)
    waits(ward, 58)
    early = told(ward)

    for _ in range(3):
        begins(ward)
        waits(ward, 30)

    assert early == [*TWICE, ("began", True)]
    assert told(ward) == [*early, ("began", False)]
    assert ward.sinks["pager"].faults[-1].occurred_at == came_back
    assert [(each.flaps, each.began_at) for each in stands(ward)] == [(False, came_back)]

    ends(ward)
    waits(ward, 1)

    assert told(ward) == [*early, ("began", False), ("ended", False)]
    assert stands(ward) == []


def test_a_feed_that_flapped_and_then_falls_silent_for_good_is_told_as_standing(ward: WardOnCall) -> None:
    feed = sa.update(tables.feed).values(silence_after_s=240, name="EPD")
    for _ in range(4):
        with ward.hospital.engine.begin() as connection:
            connection.execute(feed.values(last_heard_at=ward.hospital.clock()))
        waits(ward, 6)

    waits(ward, 90)

    assert told(ward) == [*TWICE, ("began", True), ("began", False)]
    assert [each.flaps for each in stands(ward)] == [False]


def test_it_says_so_in_words_and_for_machines(ward: WardOnCall) -> None:
    comes_and_goes(ward, 3)
    notice = ward.sinks["pager"].faults[-1]

    assert "komt en gaat" in subject(notice)
    assert "een uur lang goed" in text(notice)
    assert b'"flaps":true' in as_json(notice)


def test_a_feed_that_falls_silent_and_is_heard_again_all_day_is_told_as_one_that_flaps(ward: WardOnCall) -> None:
    feed = sa.update(tables.feed).values(silence_after_s=240, name="EPD")
    for _ in range(10):
        with ward.hospital.engine.begin() as connection:
            connection.execute(feed.values(last_heard_at=ward.hospital.clock()))
        waits(ward, 6)
    noisy = told(ward)
    with ward.hospital.engine.begin() as connection:
        connection.execute(feed.values(last_heard_at=ward.hospital.clock(), silence_after_s=None))
    waits(ward, 62)

    assert noisy == [*TWICE, ("began", True)]
    assert told(ward) == [*noisy, ("ended", False)]


def test_a_destination_that_takes_one_notice_and_refuses_the_next_is_told_as_one_that_flaps(ward: WardOnCall) -> None:
    pager = ward.sinks["sms-jansen"]
    for number in range(8):
        pager.fails = Refused("HTTP 400") if number % 2 == 0 else None
        ward.sends(Problem(who=str(number)), Ordered(who=str(number), at=3, starts=34, number=f"90{number}"))
        waits(ward, 3)

    assert told(ward) == [*TWICE, ("began", True)]
    lines = [line for line in look_at(settings_of(ward), ward.hospital.clock()) if line.what == "incident sms-jansen"]
    assert [("comes and goes" in line.detail, line.well) for line in lines] == [(True, False)]


def test_a_destination_that_the_site_file_names_no_more_is_over_at_once(ward: WardOnCall) -> None:
    for _ in range(4):
        with ward.hospital.engine.begin() as connection:
            incidents.begin(connection, "destination", "old", "HTTP 500", ward.hospital.clock())
        waits(ward, 1)

    assert stands(ward) == []


def test_an_emergency_account_is_told_each_time_it_is_used(ward: WardOnCall) -> None:
    for _ in range(4):
        with ward.hospital.engine.begin() as connection:
            incidents.renew(connection, "break_glass", "emergency", "from 10.0.0.1", ward.hospital.clock())
        tell_incidents(ward.hospital.worker)
        waits(ward, 2)  # nobody is signed in with it any more

    assert told(ward) == [("began", False), ("ended", False)] * 4


def settings_of(ward: WardOnCall) -> Settings:
    return Settings.model_validate(
        {"database_url": ward.hospital.engine.url.render_as_string(hide_password=False), "canary": False}
    )
