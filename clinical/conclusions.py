"""The conclusion about an order as it is stored and read back; docs/api.md describes it.

Every field has a default, so that what an older release stored can still be read.
"""

from typing import Any

import msgspec

Ends = tuple[float, float]  # of a quantity: low and high
Words = dict[str, str]  # by language


class StoredFact(msgspec.Struct, frozen=True, kw_only=True):
    """One fact about the patient, with the message and field it was read from."""

    kind: str = ""
    code: str = ""
    system: str = ""
    display: str = ""
    value: str = ""
    unit: str = ""
    at: str | None = None
    precision: str = ""
    certainty: str = ""
    message: str = ""
    message_id: str = ""
    path: str = ""


class StoredFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One rule that fired, and why."""

    rule: str
    version: int = 1
    tier: str = "none"
    channel: str | None = None  # None: stored before there were channels
    title: Words = {}
    because: Words = {}
    advice: list[Words] = []
    evidence: list[str] = []
    facts: list[StoredFact] = []


class StoredOrder(msgspec.Struct, frozen=True, kw_only=True):
    """The order that was judged, and where it was read."""

    placer: str = ""
    filler: str = ""
    product: str = ""
    route: str = ""
    dose_g: Ends | None = None
    dose_g_per_kg: Ends | None = None
    course_g_per_kg: Ends | None = None
    rate_g_per_h: Ends | None = None
    weight_kg: str | None = None
    start: str | None = None
    state: str = ""
    flags: list[str] = []
    message: str = ""
    message_id: str = ""
    path: str = ""


class StoredNumber(msgspec.Struct, frozen=True):
    """One number of the patient, and the authority that issued it."""

    authority: str
    value: str


class StoredPatient(msgspec.Struct, frozen=True, kw_only=True):
    """The patient as known when the order was judged."""

    identifiers: list[StoredNumber] = []
    name: str = ""
    birth_date: str | None = None
    sex: str = ""
    ward: str = ""


class StoredStep(msgspec.Struct, frozen=True):
    """One condition of a rule, whether it held, and what it saw."""

    rule: str
    condition: str
    held: bool
    saw: str


class StoredPoint(msgspec.Struct, frozen=True, kw_only=True):
    """One risk factor, and the points it counts for."""

    name: str
    title: Words
    points: int
    of: str


class StoredPoints(msgspec.Struct, frozen=True, kw_only=True):
    """The points of the patient, the total, and what they consist of."""

    patient: int
    total: int = 0
    factors: int = 0
    counted: list[StoredPoint] = []


class StoredReaction(StoredFact, frozen=True, kw_only=True):
    """An event after an infusion."""

    last_dose: str | None = None
    hours_after: int | None = None


class StoredDose(msgspec.Struct, frozen=True, kw_only=True):
    """One dose that was given, or planned and not reported as given."""

    at: str | None = None
    until: str | None = None
    grams: Ends | None = None
    grams_per_hour: Ends | None = None
    given: bool = False
    completion: str = ""
    lots: list[str] = []
    manufacturer: str = ""
    message: str = ""
    message_id: str = ""
    path: str = ""


class StoredReply(msgspec.Struct, frozen=True, kw_only=True):
    """The answer of the record to one of the ten Naranjo questions."""

    number: int
    reply: str = "unknown"
    because: Words = {}
    facts: list[StoredFact] = []


class StoredCase(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a conclusion that only an event after an infusion has."""

    events: list[StoredReaction] = []
    doses: list[StoredDose] = []
    lots: list[str] = []
    next_dose: str | None = None
    medicines: list[StoredFact] = []
    naranjo: list[StoredReply] = []


class StoredConclusion(msgspec.Struct, frozen=True, kw_only=True):
    """Everything concluded about one order, or about what followed it."""

    text: Words = {}
    advice: list[Words] = []
    missing: list[Words] = []
    mitigating: list[Words] = []
    findings: list[StoredFinding] = []
    order: StoredOrder = StoredOrder()
    patient: StoredPatient = StoredPatient()
    trace: list[StoredStep] = []
    history_as_of: str | None = None
    channel: str | None = None  # None: stored before there were channels
    points: StoredPoints | None = None
    now: int = 0  # how many lines of advice to do now
    does: list[list[str]] = []  # which acts each line of advice is (rules/README.md)
    protection: Words = {}  # the anticoagulant in use, and how well it protects
    case: StoredCase | None = None  # None: the alert is about the order itself

    def as_json(self) -> dict[str, Any]:
        """Return the JSON that is stored; a conclusion about an order has no case."""
        content: dict[str, Any] = msgspec.to_builtins(self)
        return content if self.case else {name: value for name, value in content.items() if name != "case"}


_decoder = msgspec.json.Decoder(StoredConclusion)


def read_conclusion(text: str | bytes) -> StoredConclusion:
    """Read a stored conclusion."""
    return _decoder.decode(text)
