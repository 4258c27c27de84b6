"""One patient's time in the hospital, told message by message.

Every method adds one message and says when the thing in it happened. The order of the calls is the order of
telling, which need not be the order of happening: history often arrives after the order it matters to.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime, timedelta

from synthetic.messages import (
    STRUCTURES,
    Diagnosis,
    ProblemSent,
    Result,
    VisitSent,
    dg1,
    evn,
    mrg,
    obr,
    obx,
    pid,
    pr1,
    prb,
    pv1,
)
from synthetic.people import SyntheticPerson
from synthetic.prescriptions import (
    Envelope,
    Given,
    Prescription,
    given_segments,
    kind_of,
    order_segments,
)
from synthetic.terms import WEIGHT
from synthetic.wire import Dialect, Draft, SentCode, escape, segment

ORDINARY = {"EPD": "2.5", "APOTHEEK": "2.5", "LIS": "2.5.1", "EMAR": "2.5.1"}
CHEMISTRY = SentCode("CHEM", "Klinische chemie", "L")
COAGULATION = SentCode("STOL", "Stolling", "L")


class Chart:
    """One patient and what is told of her."""

    def __init__(
        self,
        person: SyntheticPerson,
        *,
        ward: str,
        patient_class: str = "I",
        admitted_at: datetime | None = None,
        versions: Mapping[str, str] | None = None,
    ) -> None:
        self.person = person
        self.visit = VisitSent(f"V{person.number}", ward, patient_class, admitted_at)
        self.versions = {**ORDINARY, **(versions or {})}
        self.drafts: list[Draft] = []
        self._numbers = 0

    def number(self, prefix: str) -> str:
        """Return the next number of this patient: for a request, a problem, an order that nobody asks after."""
        self._numbers += 1
        return f"{prefix}{self.person.number}{self._numbers:02d}"

    def dialect(self, application: str) -> Dialect:
        """Return the way one system writes about this patient."""
        return Dialect(application, self.versions[application])

    def _tell(self, dialect: Dialect, kind: tuple[str, str, str], segments: list[str]) -> None:
        self.drafts.append(Draft(dialect, *kind, tuple(segments)))

    def is_allergic(self, at: datetime, substance: SentCode, reaction: str) -> None:
        """Tell an entry of the allergy list, with the reaction in words."""
        dialect = self.dialect("EPD")
        allergy = segment("AL1", {1: 1, 2: "DA", 3: substance, 4: "SV", 5: escape(reaction)})
        segments = [evn("A60", at, dialect), pid(self.person, dialect), pv1(self.visit, dialect), allergy]
        self._tell(dialect, ("ADT", "A60", "ADT_A60"), segments)

    def moves(
        self,
        event: str,
        at: datetime,
        *diagnoses: Diagnosis,
        weight: str = "",
        procedure: SentCode | None = None,
        discharged_at: datetime | None = None,
        died_at: datetime | None = None,
    ) -> None:
        """Add an ADT event: A01 admission, A02 transfer, A03 discharge, A04 registration, A08 update, ..."""
        dialect = self.dialect("EPD")
        segments = [
            evn(event, at, dialect),
            pid(self.person, dialect, visit=self.visit, died_at=died_at),
            pv1(self.visit, dialect, discharged_at=discharged_at),
        ]
        if weight:
            segments += obx([Result(WEIGHT, weight, "kg")], at, dialect)
        segments += dg1(diagnoses, self.visit.number, dialect)
        if procedure:
            segments.append(pr1(procedure, at, dialect))
        self._tell(dialect, ("ADT", event, STRUCTURES.get(event, f"ADT_{event}")), segments)

    def admitted(
        self,
        at: datetime,
        *diagnoses: SentCode,
        weight: str = "",
        event: str = "A01",
        since: datetime | None = None,
    ) -> None:
        """Add an admission, or with A04 a registration, with the diagnoses of that day, or on record since then."""
        self.visit = replace(self.visit, admitted_at=at)
        self.moves(event, at, *(Diagnosis(code, since or at) for code in diagnoses), weight=weight)

    def transferred(self, at: datetime, ward: str) -> None:
        """Add a transfer to another ward."""
        self.visit = replace(self.visit, ward=ward)
        self.moves("A02", at)

    def diagnosed(self, at: datetime, *codes: SentCode) -> None:
        """Add final diagnoses made at that moment."""
        self.moves("A08", at, *(Diagnosis(code, at) for code in codes))

    def has_problem(
        self,
        code: SentCode,
        at: datetime,
        *,
        onset: date | datetime | None = None,
        past: bool = False,
        certainty: str = "CONF^Bevestigd^L",
        event: str = "PC1",
    ) -> ProblemSent:
        """Add an entry of the problem list, and return it; `past` marks it as history."""
        status = "INACTIVE^Voorgeschiedenis^L" if past else "ACTIVE^Actief^L"
        problem = ProblemSent(code, self.number("PRB"), onset=onset, status=status, certainty=certainty)
        self._tell_problem(event, problem, at)
        return problem

    def withdraws(self, problem: ProblemSent, at: datetime) -> None:
        """Take an entry of the problem list back: it was entered in error."""
        self._tell_problem("PC3", replace(problem, action="DE"), at)

    def _tell_problem(self, event: str, problem: ProblemSent, at: datetime) -> None:
        dialect = self.dialect("EPD")
        segments = [pid(self.person, dialect), pv1(self.visit, dialect), prb(problem, at, dialect)]
        self._tell(dialect, ("PPR", event, "PPR_PC1"), segments)

    def measured(
        self, at: datetime, *results: Result, panel: SentCode = CHEMISTRY, request: str = "", status: str = "F"
    ) -> str:
        """Add results; return the number of the request, by which a correction can name it."""
        dialect = self.dialect("LIS")
        number = request or self.number("LB")
        segments = [
            pid(self.person, dialect),
            pv1(self.visit, dialect),
            obr(number, panel, at, status, dialect),
            *obx(results, at, dialect),
        ]
        self._tell(dialect, ("ORU", "R01", "ORU_R01"), segments)
        return number

    def ordered(self, order: Prescription, envelope: Envelope = "OMP", *, weight: str = "") -> None:
        """Add an order; a weight goes with it when the prescriber entered one."""
        dialect = self.dialect("APOTHEEK" if envelope == "RDE" else "EPD")
        segments = [pid(self.person, dialect, visit=self.visit), pv1(self.visit, dialect)]
        segments += order_segments(order, envelope, dialect)
        measured = [Result(WEIGHT, weight, "kg")] if weight else []
        segments += obx(measured, order.ordered_at, dialect)
        self._tell(dialect, kind_of(envelope, dialect), segments)

    def given(self, order: Prescription, *doses: Given) -> None:
        """Add what was given of an order."""
        dialect = self.dialect("EMAR")
        segments = [pid(self.person, dialect), pv1(self.visit, dialect), *given_segments(order, doses, dialect)]
        event = ("O17", "RAS_O17") if dialect.speaks("2.4") else ("O01", "RAS_O01")
        self._tell(dialect, ("RAS", *event), segments)

    def infused(self, order: Prescription, starts: datetime, hours: float, amount: str, unit: str = "g") -> datetime:
        """Add one complete infusion; return the moment it ended."""
        ends = starts + timedelta(hours=hours)
        self.given(order, Given(starts, ends, amount, unit))
        return ends

    def merged(self, retired: str, at: datetime) -> None:
        """Add a merge with another number of the same patient."""
        dialect = self.dialect("EPD")
        event = "A40" if dialect.speaks("2.3.1") else "A34"
        segments = [evn(event, at, dialect), pid(self.person, dialect), mrg(retired)]
        self._tell(dialect, ("ADT", event, STRUCTURES[event]), segments)

    def died(self, at: datetime, *diagnoses: SentCode) -> None:
        """Add the patient's death as the discharge it is."""
        lines = (Diagnosis(code, at) for code in diagnoses)
        self.moves("A03", at, *lines, discharged_at=at, died_at=at)
