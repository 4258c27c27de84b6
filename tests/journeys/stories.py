"""What can happen to a few patients, one value per message, and any number of stories made of it.

A story is a list of happenings; its messages are numbered by their place in it. Numbers, days and codes are few, so
that happenings meet: the same diagnosis corrected under another patient number, a cancel before its order, a circle.
`repr` of a story is the code that makes it, so what Hypothesis finds can be pasted into a test.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Amsterdam")
FIRST_DAY = datetime(2026, 11, 2, 8, 0, tzinfo=ZONE)
BSNS = {
    "1": "999990019",
    "2": "999990020",
    "3": "999990032",
    "4": "999990019",
}  # 4 is 1 by another number, or a wrong digit


@dataclass(frozen=True, kw_only=True)
class Happening:
    """One message: who it is about, the hour it speaks of, and how many hours later it was sent."""

    who: str = "1"  # "1": patient 1 by hospital number; "1+": with the citizen number too; "+1": by that alone
    at: int = 0
    late: int = 0

    kind = ("ADT", "A08")

    def segments(self) -> list[str]:
        """What the message holds beside its MSH."""
        raise AssertionError("every happening has segments of its own")

    def hour(self) -> str:
        """The hour it speaks of, as HL7 writes it."""
        return hour(self.at)

    def pid(self, *rest: str) -> str:
        """Who it is about."""
        return "|".join(["PID", "1", "", numbers(self.who), "", *rest]).rstrip("|")

    def evn(self) -> str:
        """When it was recorded."""
        return f"EVN|{self.kind[1]}|{self.hour()}"


@dataclass(frozen=True, kw_only=True)
class Seen(Happening):
    """An update of who the patient is and where."""

    family: str = "Aalders"
    sex: str = "F"
    born: str = "19500101"
    ward: str = "C4"
    inpatient: bool = True
    died: str = ""  # Y, N, or nothing

    def segments(self) -> list[str]:
        pid = self.pid(f"{self.family}^Aaltje^^^^^L", "", self.born, self.sex, *[""] * 21, self.died)
        return [self.evn(), pid, f"PV1|1|{'I' if self.inpatient else 'O'}|{self.ward}"]


@dataclass(frozen=True, kw_only=True)
class Diagnosed(Happening):
    """A line of DG1, with a number of its own or without; A08 repeats, corrects and deletes it."""

    code: str = "I26.9"
    on: int = 0
    number: str = ""
    action: str = "A"
    certainty: str = "F"  # A admitting, W working, F final

    def segments(self) -> list[str]:
        numbered = f"{self.number}^EPD|{self.action}" if self.number else ""
        diagnosis = f"DG1|1||{self.code}^Diagnose^I10||{hour(self.on)[:8]}|{self.certainty}{'|' * 14}{numbered}"
        return [self.evn(), self.pid(), "PV1|1|I|C4", diagnosis.rstrip("|")]


@dataclass(frozen=True, kw_only=True)
class Problem(Happening):
    """An entry of the problem list: added, updated or deleted."""

    event: str = "PC1"
    action: str = "AD"
    number: str = "P1"
    code: str = "I80.2"
    onset: int = 0
    status: str = "ACTIVE"
    certainty: str = "CONF"

    @property
    def kind(self) -> tuple[str, str]:  # type: ignore[override]  # the event is part of what happened
        return "PPR", self.event

    def segments(self) -> list[str]:
        number = f"{self.number}^EPD" if self.number else ""
        fields = ["PRB", self.action, self.hour(), f"{self.code}^Probleem^I10", number, *[""] * 8]
        return [self.pid(), "PV1|1|I|C4", "|".join([*fields, self.certainty, self.status, "", hour(self.onset)[:8]])]


@dataclass(frozen=True, kw_only=True)
class Flagged(Happening):
    """A contra-indication or an allergy, set or taken back."""

    kind = ("ADT", "A60")
    code: str = "I80.2^Trombose been^I10"
    action: str = "A"
    number: str = "F1"

    def segments(self) -> list[str]:
        return [self.evn(), self.pid(), f"IAM|1|CI|{self.code}|||{self.action}|{self.number}^EPD"]


@dataclass(frozen=True, kw_only=True)
class Operated(Happening):
    """A procedure."""

    code: str = "5-399.5"
    number: str = "X1"
    action: str = "A"

    def segments(self) -> list[str]:
        procedure = (
            f"PR1|1||{self.code}^Centraal veneuze lijn^ZA||{self.hour()}{'|' * 14}{self.number}^EPD|{self.action}"
        )
        return [self.evn(), self.pid(), "PV1|1|I|C4", procedure]


@dataclass(frozen=True, kw_only=True)
class Measured(Happening):
    """A result: preliminary, final, corrected, deleted or not obtained."""

    kind = ("ORU", "R01")
    test: str = "6301-6^INR^LN"
    value: str = "1.5"
    unit: str = ""
    status: str = "F"
    request: str = "L1"
    taken: int = 0

    def segments(self) -> list[str]:
        taken = hour(self.taken)
        request = f"OBR|1||{self.request}^LIS|LAB^Laboratorium^L|||{taken}{'|' * 15}{self.hour()}|||{self.status}"
        result = f"OBX|1|NM|{self.test}|1|{self.value}|{self.unit}|||||{self.status}|||{taken}"
        return [self.pid(), request, result]


PRODUCTS = {
    "ivig": "J06BA02^immunoglobulins, normal human^ATC",
    "kiovig": "99990102^KIOVIG INFVLST 100MG/ML^GS-HPK^J06BA02^immunoglobulins^ATC",
    "hizentra": "99990201^HIZENTRA INJVLST 200MG/ML^GS-HPK^J06BA01^immunoglobulins^ATC",
    "warfarin": "B01AA03^warfarin^ATC",
    "prednisone": "H02AB07^prednisone^ATC",
    "estradiol": "G03CA03^estradiol^ATC",
}


@dataclass(frozen=True, kw_only=True)
class Ordered(Happening):
    """An order for a medicine: new, changed, replacing another, or repeated by the pharmacy under its own number."""

    number: str = "100"
    filler: str = ""
    control: str = "NW"
    replaces: str = ""
    product: str = "ivig"
    grams: str = "30"
    days: int = 1
    route: str = "IV"
    starts: int = 0
    encoded: bool = False

    @property
    def kind(self) -> tuple[str, str]:  # type: ignore[override]  # the pharmacy encodes what a doctor asks for
        return ("RDE", "O11") if self.encoded else ("OMP", "O09")

    def segments(self) -> list[str]:
        timing = f"TQ1|1||QD|||{self.days}^d|{hour(self.starts)}||||||||{self.days}"
        route = [f"RXR|{self.route}^Route^HL70162"] if self.route else []
        return [self.pid(), "PV1|1|I|C4", self._orc(), *self._drug(timing), *route]

    def _orc(self) -> str:
        fields = [self.control, _entity(self.number, "EPD"), _entity(self.filler, "APO"), "", "", "", ""]
        parent = _entity(self.replaces, "EPD").replace("^", "&")
        return "|".join(["ORC", *fields, parent, self.hour()])

    def _drug(self, timing: str) -> list[str]:
        product = PRODUCTS[self.product]
        if self.encoded:
            return [f"RXE||{product}|{self.grams}||g", timing]
        return [timing, f"RXO|{product}|{self.grams}||g"]


@dataclass(frozen=True, kw_only=True)
class Controlled(Happening):
    """An order control without the order: cancel, discontinue, hold, release, and what the pharmacy answers."""

    kind = ("ORM", "O01")
    number: str = "100"
    filler: str = ""
    control: str = "CA"
    status: str = ""
    dated: bool = True  # else only its MSH-7 tells when

    def segments(self) -> list[str]:
        fields = [self.control, _entity(self.number, "EPD"), _entity(self.filler, "APO"), "", self.status, "", "", ""]
        return [self.pid(), "|".join(["ORC", *fields, self.hour() if self.dated else ""])]


@dataclass(frozen=True, kw_only=True)
class Given(Happening):
    """What was really given: reported, corrected, or taken back."""

    kind = ("RAS", "O17")
    number: str = "100"
    filler: str = ""
    step: str = "1"
    grams: str = "30"
    product: str = "ivig"
    completion: str = "CP"
    action: str = "A"
    started: int = 0

    def segments(self) -> list[str]:
        control = f"ORC|RE|{_entity(self.number, 'EPD')}|{_entity(self.filler, 'APO')}||||||{self.hour()}"
        begun, ended = hour(self.started), hour(self.started + 4)
        given = f"RXA|0|{self.step}|{begun}|{ended}|{PRODUCTS[self.product]}|{self.grams}|g"
        return [self.pid(), control, f"{given}{'|' * 13}{self.completion}|{self.action}", "RXR|IV^Route^HL70162"]


@dataclass(frozen=True, kw_only=True)
class Merged(Happening):
    """Other numbers were this patient too; several at once in one MRG, or in a group each."""

    event: str = "A40"
    retired: tuple[str, ...] = ("2",)
    in_groups: bool = False

    @property
    def kind(self) -> tuple[str, str]:  # type: ignore[override]  # the event is part of what happened
        return "ADT", self.event

    def segments(self) -> list[str]:
        if not self.in_groups:
            return [self.evn(), self.pid(), f"MRG|{'~'.join(numbers(each) for each in self.retired)}"]
        groups = [[self.pid(), f"MRG|{numbers(each)}"] for each in self.retired]
        return [self.evn(), *(line for group in groups for line in group)]


@dataclass(frozen=True, kw_only=True)
class Unmerged(Happening):
    """They turned out to be two patients."""

    kind = ("ADT", "A37")
    other: str = "2"

    def segments(self) -> list[str]:
        return [self.evn(), self.pid(), f"PID|2||{numbers(self.other)}"]


def hour(number: int) -> str:
    """The hour as HL7 writes it."""
    return (FIRST_DAY + timedelta(hours=number)).strftime("%Y%m%d%H%M%S%z")


def numbers(who: str) -> str:
    """PID-3 or MRG-1 of `who`."""
    patient = who.strip("+")
    by_hospital = [] if who.startswith("+") else [f"{patient}^^^ZKHA^PI"]
    by_country = [f"{BSNS[patient]}^^^NLMINBIZA^NNNLD"] if "+" in who else []
    return "~".join(by_hospital + by_country)


def _entity(number: str, namespace: str) -> str:
    return f"{number}^{namespace}" if number else ""


def messages(story: Sequence[Happening]) -> list[bytes]:
    """The story as it is sent, in the order told."""
    return list(_messages(story))


def _messages(story: Sequence[Happening]) -> Iterator[bytes]:
    for place, happening in enumerate(story, start=1):
        sent = hour(happening.at + happening.late)
        kind = "^".join(happening.kind)
        header = f"MSH|^~\\&|EPD|ZKHA|IVIGILANT|ZKHA|{sent}||{kind}|M{place:03d}|P|2.5|||||NLD|UNICODE UTF-8"
        yield ("\r".join([header, *happening.segments()]) + "\r").encode()
