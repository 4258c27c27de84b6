"""Orders to read: a segment or two say what the case is about."""

from clinical.events import MedicationOrdered
from clinical.quantities import Quantity
from parsers.medication.orders import read_orders
from tests.parsers.builders import DEFAULTS, HEADER, a_patient_message, parts_of

IVIG = "J06BA02^Immunoglobuline iv 100 mg/ml^ATC"
ORC = "ORC|NW|1^EPD|||IP||^QD^D5^20250310120000||20250310091400"


def orders_of(*segments: str) -> list[MedicationOrdered]:
    """The orders in these segments of one patient."""
    message, parts = parts_of(a_patient_message(*segments, kind="RDE^O11"))
    return read_orders(message, (), HEADER, parts, DEFAULTS)


def the_order(*segments: str) -> MedicationOrdered:
    """The only order in these segments."""
    (order,) = orders_of(*segments)
    return order


def rxe(amount: str, units: str, drug: str = IVIG, rest: str = "") -> str:
    """An encoded order with its timing left to others."""
    return f"RXE||{drug}|{amount}||{units}{rest}"


def ends(amount: Quantity | None) -> tuple[float, float, str] | None:
    """Both ends and the unit, short enough for a table."""
    return None if amount is None else (float(amount.low), float(amount.high), amount.unit)
