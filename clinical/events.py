"""The events that a message reports, each with the field it was read from.

Every event names its patient by the identifiers of the PID it stood under. Amounts are Decimals. A quantity that
could be read in two ways is an interval with flags; a quantity that cannot be known is None, never a guess.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from clinical.codes import Coding
from clinical.identities import Identifier, PersonName
from clinical.quantities import Quantity
from clinical.times import Moment
from clinical.timings import Timing
from clinical.values import Value

Certainty = Literal["confirmed", "suspected", "refuted", "family", "unknown"]


class Event(Value, frozen=True, kw_only=True, tag_field="event"):
    """One thing a message says."""

    patient: tuple[Identifier, ...]  # the identity first
    path: str  # where it stands: "PRB[1]-3", "RXE[2]-2", "OBX[3]-5"
    at: datetime | None = None  # when it took effect (ORC-9, PRB-2, OBX-14, EVN-2...); None: at the time of the message
    flags: tuple[str, ...] = ()


class PatientSeen(Event, frozen=True, kw_only=True, tag="patient"):
    """Who the patient is and where: PID and PV1."""

    name: PersonName | None = None
    birth_date: date | None = None
    sex: str = ""
    deceased: bool | None = None
    died_at: Moment | None = None
    ward: str = ""
    visit: str = ""
    patient_class: str = ""  # PV1-2: I O E ...
    admitted_at: Moment | None = None
    discharged_at: Moment | None = None


class PatientMerged(Event, frozen=True, kw_only=True, tag="merge"):
    """`retired` now points to `patient` (A34, A40 and the like); `undone` marks an un-merge."""

    retired: tuple[Identifier, ...]
    undone: bool = False


class Condition(Event, frozen=True, kw_only=True, tag="condition"):
    """A diagnosis (DG1), problem (PRB), or contraindication flag."""

    key: str  # instance id, else code and date: the natural key within the patient
    category: Literal["diagnosis", "problem", "flag"]
    action: Literal["assert", "delete"] = "assert"
    codings: tuple[Coding, ...] = ()
    text: str = ""
    certainty: Certainty = "confirmed"
    status: str = "active"  # active | resolved | inactive
    onset: Moment | None = None
    resolved: Moment | None = None


class Procedure(Event, frozen=True, kw_only=True, tag="procedure"):
    """PR1."""

    key: str
    action: Literal["assert", "delete"] = "assert"
    codings: tuple[Coding, ...] = ()
    text: str = ""
    performed: Moment | None = None


class Allergy(Event, frozen=True, kw_only=True, tag="allergy"):
    """AL1 or IAM."""

    key: str
    action: Literal["assert", "delete"] = "assert"
    codings: tuple[Coding, ...] = ()
    text: str = ""


class Observation(Event, frozen=True, kw_only=True, tag="observation"):
    """OBX: a laboratory result or a measurement."""

    key: str
    codings: tuple[Coding, ...] = ()
    text: str = ""  # OBX-3 text
    value: str = ""  # as sent, unescaped
    comparator: str = ""  # < <= > >=
    number: Decimal | None = None
    unit: str = ""  # normalised UCUM
    range: str = ""  # OBX-7
    abnormal: str = ""  # OBX-8
    status: Literal["final", "preliminary", "corrected", "withdrawn", "no_value"] = "final"
    taken: Moment | None = None
    value_codings: tuple[Coding, ...] = ()  # OBX-5 of a coded value


class OrderKeys(Value, frozen=True, kw_only=True):
    """The numbers an order goes by: `EPD|900001` is namespace|number, "" when not sent."""

    placer: str = ""
    filler: str = ""
    parent: str = ""  # ORC-8
    replaces: str = ""  # the key of the order this one replaces (RP/RO)
    replaces_too: tuple[str, ...] = ()  # the keys of further orders it replaces

    def numbers(self) -> tuple[str, ...]:
        """Return every number in it, of this order and of others; "" where one was not sent."""
        return self.placer, self.filler, self.parent, self.replaces, *self.replaces_too


class Component(Value, frozen=True, kw_only=True):
    """RXC: one ingredient of a mixture."""

    kind: Literal["additive", "base"]
    codings: tuple[Coding, ...]
    text: str = ""
    amount: Quantity | None = None
    grams: Quantity | None = None
    path: str = ""


class MedicationOrdered(Event, frozen=True, kw_only=True, tag="order"):
    """One ORC with its RXO/RXE/RXG/RXD, timing, route and components."""

    keys: OrderKeys
    control: str  # ORC-1, "" when absent
    status: str = ""  # ORC-5
    source: Literal["request", "encoded", "give", "dispense", "control"]  # RXO, RXE, RXG, RXD, ORC alone
    codings: tuple[Coding, ...] = ()
    text: str = ""  # every drug text that was sent, joined, for recognition by name
    routes: tuple[Coding, ...] = ()
    amount: Quantity | None = None  # as ordered: g, mL, g/kg, packages...
    dose: Quantity | None = None  # per administration: unit "g" or "g/kg"; None when it cannot be known
    concentration: Quantity | None = None  # mg/mL
    rate: Quantity | None = None  # peak: g/h, g/kg/h or mg/kg/min after conversion, else mL/h
    rate_mean: Quantity | None = None
    timings: tuple[Timing, ...] = ()
    components: tuple[Component, ...] = ()
    indications: tuple[Coding, ...] = ()
    instructions: str = ""
    starts: Moment | None = None  # first of timing, ORC-15, ORC-9, MSH-7
    lots: tuple[str, ...] = ()  # of a give or a dispense
    course_grams: Quantity | None = None  # when the amount was, or may be, the whole course


class MedicationGiven(Event, frozen=True, kw_only=True, tag="administration"):
    """RXA: what was actually given. `grams` is zero for RE and NA."""

    keys: OrderKeys
    key: str  # order, RXA-1/2 and start: the natural key of this row
    action: Literal["assert", "delete"] = "assert"
    codings: tuple[Coding, ...] = ()
    text: str = ""
    routes: tuple[Coding, ...] = ()
    amount: Quantity | None = None
    grams: Quantity | None = None
    rate: Quantity | None = None  # g/h
    started: Moment | None = None
    ended: Moment | None = None
    tells_again: bool = False  # it is about a dose that an earlier row began: a rate change, a check, a stop
    completion: str = ""  # RXA-20: CP RE NA PA
    lots: tuple[str, ...] = ()
    manufacturer: str = ""


AnyEvent = (
    PatientSeen | PatientMerged | Condition | Procedure | Allergy | Observation | MedicationOrdered | MedicationGiven
)


class Header(Value, frozen=True, kw_only=True):
    """MSH, as the listener needs it before anything else is read."""

    sending_application: str = ""
    sending_facility: str = ""
    receiving_application: str = ""
    receiving_facility: str = ""
    sent_at: Moment | None = None
    type: str = ""
    event: str = ""
    structure: str = ""
    control_id: str = ""
    processing_id: str = ""
    version: str = ""  # "2.5.1", or "" when it could not be read
    accept_ack: str = ""  # MSH-15
    application_ack: str = ""  # MSH-16
    charset: str = ""


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything one message says, and what could not be understood."""

    header: Header
    events: tuple[AnyEvent, ...]
    ignored: str = ""  # why nothing was read: "unknown_type", "acknowledgement"; "" when it was read
    flags: tuple[str, ...] = ()
    not_understood: tuple[tuple[str, str], ...] = ()  # (path, what was wrong)
