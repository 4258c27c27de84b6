"""What is wrong with a feed is told once when it begins and once when it is over, and stands on the page."""

from collections.abc import Mapping
from datetime import timedelta

import pytest
import sqlalchemy as sa

from clinical.words import FaultKind, Language
from forwarding.notice import FaultNotice, as_json
from forwarding.wording import subject, text
from history.choices import SilenceBounds, Site
from ivigilant.checkup import look_at
from rules.knowledge import Knowledge
from store import feeds, tables
from tests.journeys.test_flapping import settings_of
from tests.journeys.ward import NOON, WardOnCall
from tests.store.builders import a_message
from worker.auditor import Auditor
from worker.control_ids import LEAST_RUN


class Feeds:
    """A ward whose feeds are declared, heard and looked at, with what is told of them."""

    def __init__(self, ward: WardOnCall) -> None:
        self.ward = ward
        self.auditor = Auditor(ward.hospital.worker)
        self.sent = 0

    def declares(self, limits: Mapping[str, int | None], may_be_silent: tuple[str, ...] = ()) -> None:
        with self.ward.hospital.engine.begin() as connection:
            feeds.declare(connection, limits, self.ward.hospital.clock(), may_be_silent)

    def hears(self, name: str, behind: timedelta = timedelta(0)) -> None:
        now = self.ward.hospital.clock()
        with self.ward.hospital.engine.begin() as connection:
            feeds.heard(connection, feeds.ids_of(connection, [name])[name], now, now - behind)

    def links(self, name: str) -> None:
        with self.ward.hospital.engine.begin() as connection:
            feeds.linked(connection, [name], self.ward.hospital.clock())

    def receives(self, name: str, state: str = "processed", control_id: str = "", **values: object) -> int:
        self.sent += 1
        with self.ward.hospital.engine.begin() as connection:
            row = {
                "feed_id": feeds.ids_of(connection, [name])[name],
                "received_at": self.ward.hospital.clock(),
                "body_hash": str(self.sent).encode(),
                "state": state,
                "reason": "no_patient" if state == "parked" else None,
            }
            return a_message(connection, control_id or f"{self.sent * 7}", **(row | values))

    def waits(self, minutes: int, every: int = 1) -> None:
        for _ in range(minutes // every):
            self.ward.hospital.clock.passes(minutes=every)
            self.auditor.look()

    def restarts(self) -> None:
        self.auditor = Auditor(self.ward.hospital.worker)

    @property
    def told(self) -> list[tuple[str, str, str]]:
        return [(fault.fault, fault.kind, fault.subject) for fault in self.ward.sinks["pager"].faults]

    def doctor(self) -> dict[str, tuple[bool, str]]:
        lines = look_at(settings_of(self.ward), self.ward.hospital.clock())
        return {line.what: (line.well, line.detail) for line in lines}


@pytest.fixture
def those(sqlite_engine: sa.Engine, knowledge: Knowledge) -> Feeds:
    return Feeds(WardOnCall(sqlite_engine, knowledge))


def a_fortnight(those: Feeds, name: str, is_heard: tuple[int, int]) -> None:
    """Let two weeks pass in which a feed sends each quarter of an hour between two hours of the day (UTC)."""
    clock = those.ward.hospital.clock
    for _ in range(14 * 24 * 4):
        clock.passes(minutes=15)
        if is_heard[0] <= clock.now.hour < is_heard[1]:
            those.hears(name)


def test_a_feed_that_nobody_gave_a_limit_is_missed_by_what_it_was_silent_before(
    engine: sa.Engine, knowledge: Knowledge
) -> None:
    those = Feeds(WardOnCall(engine, knowledge))
    those.declares({"lab": None})
    a_fortnight(those, "lab", (6, 18))  # the last at 11:00, as now

    for _ in range(28):  # through the night it says nothing, as ever
        those.waits(15, 15)
        if 6 <= those.ward.hospital.clock.now.hour < 18:
            those.hears("lab")
    by_night = those.told
    for _ in range(18):
        those.waits(60, 15)
    in_the_morning = those.told
    those.hears("lab")
    those.waits(2)

    assert by_night == []
    assert in_the_morning == [("feed", "began", "lab")]
    assert those.told == [*in_the_morning, ("feed", "ended", "lab")]


def test_before_anything_is_learned_the_ceiling_holds_for_a_declared_feed_and_nothing_for_others(those: Feeds) -> None:
    those.declares({"lab": None, "never": None, "archive": None}, ("archive",))
    for name in ("lab", "archive", "import of 2019"):
        those.hears(name)
    those.waits(23 * 60, 60)
    early = those.told
    limits = {name: told for name, (_, told) in those.doctor().items() if name.startswith("feed ")}
    those.waits(3 * 60, 60)
    late = sorted(each for each in those.told if each[0] != "undeclared")

    assert [each for each in early if each[0] != "undeclared"] == []
    assert late == [("feed", "began", "lab"), ("never_heard", "began", "never")]
    assert "may be silent for 1440 min at this hour (learned)" in limits["feed lab"]
    assert "may be silent" not in limits["feed archive"] + limits["feed import of 2019"]


def test_floor_and_ceiling_are_those_of_the_site(engine: sa.Engine, knowledge: Knowledge) -> None:
    ward = WardOnCall(engine, knowledge)
    worker = ward.hospital.worker
    ward.hospital.worker = type(worker)(
        worker.engine,
        worker.knowledge,
        Site(destinations=worker.site.destinations, silence=SilenceBounds(timedelta(hours=2), timedelta(hours=3))),
        worker.clock,
        destinations=worker.destinations,
        home=worker.home,
    )
    those = Feeds(ward)
    those.declares({"lab": None})
    those.hears("lab")

    those.waits(180, 10)
    early = those.told
    those.waits(10, 10)

    assert (early, those.told) == ([], [("feed", "began", "lab")])


def test_a_feed_whose_link_is_open_and_that_says_nothing_is_called_so_until_it_speaks(those: Feeds) -> None:
    those.declares({"EPD of C4": 900})
    those.hears("EPD of C4")
    for _ in range(20):
        those.links("EPD of C4")
        those.waits(1)
    began = those.told
    told = those.doctor()["feed EPD of C4"]
    those.waits(5)  # the link closes: it is told as what it was
    those.hears("EPD of C4")
    those.waits(2)

    assert began == [("idle", "began", "EPD_of_C4")]
    assert those.told == [*began, ("idle", "ended", "EPD_of_C4")]
    assert told[0] is False
    assert "its link is open" in told[1]
    first, _ = those.ward.sinks["pager"].faults
    assert "staat open, maar er komt niets binnen" in subject(first)
    assert "communicatieserver" in text(first)


def test_a_feed_whose_messages_are_taken_and_then_parked_is_told_of_until_one_is_processed(those: Feeds) -> None:
    those.declares({"EPD": 86_400, "lab": 86_400})
    for name in ("EPD", "lab"):
        those.hears(name)
    for _ in range(2):
        those.receives("EPD", "parked", type="RDE", event="O11")
    those.receives("EPD", "processed", type="ADT", event="A08")
    for _ in range(2):
        those.receives("lab", "parked", type="ORU", event="R01")
        those.receives("lab", "processed", type="ORU", event="R01")
    those.receives("lab", "parked", type="ORU", event="R01")
    for _ in range(3):  # was not acknowledged, or refused: the sender knows it
        those.receives("lab", "parked", reason="truncated_frame")
        those.receives("lab", "parked", type="", event="", ack_code="AR", reason="no_msh")
    those.waits(2)
    early = those.told
    those.receives("EPD", "parked", type="RDE", event="O11")
    those.waits(3)
    began = those.told
    (found,) = [each for name, each in those.doctor().items() if name == "incident EPD"]
    those.receives("EPD", "processed", type="RDE", event="O11")
    those.waits(2)

    assert early == []
    assert began == [("parked", "began", "EPD")]
    assert "RDE^O11 3" in found[1]
    assert those.told == [*began, ("parked", "ended", "EPD")]


def test_what_was_parked_is_over_when_it_was_processed_again_or_a_day_passed(
    engine: sa.Engine, knowledge: Knowledge
) -> None:
    those = Feeds(WardOnCall(engine, knowledge))
    for name in ("EPD", "lab"):
        for _ in range(3):
            those.receives(name, "parked")
    those.waits(1)
    began = len(those.told)
    with engine.begin() as connection:
        of_lab = feeds.ids_of(connection, ["lab"])["lab"]
        connection.execute(
            sa.update(tables.message).where(tables.message.c.feed_id == of_lab).values(state="processed")
        )
    those.waits(1)
    mended = len(those.told)
    those.waits(25 * 60, 60)

    assert (began, mended, len(those.told)) == (2, 3, 4)


def test_messages_that_are_missing_are_told_of_once_with_their_numbers_and_once_when_they_came(those: Feeds) -> None:
    those.declares({"EPD": 86_400})
    those.hears("EPD")
    for number in [*range(LEAST_RUN), LEAST_RUN + 3]:
        those.receives("EPD", control_id=f"M{number + 7000}")
    those.waits(10)
    began = those.told
    notice = those.ward.sinks["pager"].faults[0]
    for number in range(LEAST_RUN, LEAST_RUN + 3):
        those.receives("EPD", control_id=f"M{number + 7000}")
    those.waits(2)

    numbers = f"MSH-10 {7000 + LEAST_RUN}-{7002 + LEAST_RUN}"
    assert began == [("gap", "began", "EPD")]
    assert those.told == [*began, ("gap", "ended", "EPD")]
    assert f"Ontbreekt: {numbers}" in text(notice)
    assert f'"numbers":"{numbers}"'.encode() in as_json(notice)


def test_a_gap_that_is_not_filled_is_over_after_a_day_also_after_a_restart(those: Feeds) -> None:
    for number in [*range(LEAST_RUN), LEAST_RUN + 3]:
        those.receives("EPD", control_id=f"M{number + 7000}")
    those.waits(10)
    those.restarts()
    with those.ward.hospital.engine.begin() as connection:
        connection.execute(sa.delete(tables.message))  # it does not see them again
    those.waits(23 * 60, 60)
    before = [kind for fault, kind, _ in those.told if fault == "gap"]
    those.waits(2 * 60, 60)

    assert (before, [kind for fault, kind, _ in those.told if fault == "gap"]) == (["began"], ["began", "ended"])


def test_a_site_may_say_that_the_numbers_of_a_feed_tell_nothing(sqlite_engine: sa.Engine, knowledge: Knowledge) -> None:
    ward = WardOnCall(sqlite_engine, knowledge)
    worker = ward.hospital.worker
    site = Site(destinations=worker.site.destinations, gaps_ignored=frozenset({"EPD"}))
    ward.hospital.worker = type(worker)(
        worker.engine, worker.knowledge, site, worker.clock, destinations=worker.destinations, home=worker.home
    )
    those = Feeds(ward)
    those.declares({"EPD": 86_400})
    for number in [*range(LEAST_RUN), LEAST_RUN + 3]:
        those.receives("EPD", control_id=f"M{number + 7000}")

    those.waits(10)

    assert those.told == []


def test_a_sender_that_the_site_file_does_not_name_is_told_of_by_number_until_it_is_named(those: Feeds) -> None:
    those.hears("JANSEN|C4")
    those.waits(2)
    without_any = those.told
    those.declares({"EPD": 86_400})
    those.hears("EPD")
    those.waits(2)
    began = those.told
    those.declares({"EPD": 86_400, "JANSEN|C4": 86_400})
    those.waits(2)

    assert without_any == []
    assert [(fault, kind) for fault, kind, _ in began] == [("undeclared", "began")]
    assert "JANSEN" not in str(began)  # what a sender calls itself is not repeated outside
    assert [(fault, kind) for fault, kind, _ in those.told] == [("undeclared", "began"), ("undeclared", "ended")]


def test_a_small_feed_keeps_the_fault_of_its_clock_and_loses_it_with_the_first_right_stamp(those: Feeds) -> None:
    those.declares({"blood bank": 86_400})
    for _ in range(3):  # one message each hour
        those.hears("blood bank", behind=timedelta(minutes=61))
        those.waits(60, 10)
    began = those.told
    for _ in range(3):
        those.hears("blood bank", behind=timedelta(minutes=61))
        those.waits(60, 10)
    same = those.told
    those.hears("blood bank", behind=timedelta(seconds=20))
    those.waits(2)

    assert began == [("clock", "began", "blood_bank")]
    assert same == began
    assert those.told == [*began, ("clock", "ended", "blood_bank")]


@pytest.mark.parametrize("language", ["nl", "en"])
@pytest.mark.parametrize("kind", ["idle", "parked", "gap", "undeclared"])
def test_every_fault_of_a_feed_has_its_words(kind: FaultKind, language: Language) -> None:
    began, ended = (
        FaultNotice(f"k-{when}", when, kind, "EPD_of_C4", "https://inbox.example/", NOON, language)
        for when in ("began", "ended")
    )

    assert "EPD_of_C4" in subject(began)
    assert "EPD_of_C4" in subject(ended)
    assert len({subject(began), subject(ended), text(began), text(ended)}) == 4
