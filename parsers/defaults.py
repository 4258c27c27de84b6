"""How to read a feed's messages where they leave something open."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Literal
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class SiteField:
    """The fields in which a feed writes something that the standard puts elsewhere, or nowhere."""

    what: Literal["weight", "height", "diagnosis"]
    segment: str
    field: int
    component: int = 1
    unit: str = ""  # of what is measured: this field holds the number alone
    system: str = ""  # of a code that names none


@dataclass(frozen=True, slots=True)
class Defaults:
    """One feed's defaults for what its messages leave out. While a message is read, `zone` is that of its MSH-7."""

    zone: tzinfo = field(default_factory=lambda: ZoneInfo("Europe/Amsterdam"))
    authority: str = ""  # of an identifier that names none
    charset: str = "8859/1"  # when MSH-18 is empty and the text is not UTF-8, as table 0211 or Python names it
    mrn_authorities: tuple[str, ...] = ()  # whose number is the patient's identity, the first one wins
    authorities: Mapping[str, str] = field(
        default_factory=dict
    )  # another name of an authority, FHIR's or an object identifier → ours
    code_systems: Mapping[str, str] = field(default_factory=dict)  # the sender's name → ours: {"ZKH": "PRK"}
    problem_statuses: Mapping[str, str] = field(default_factory=dict)  # PRB-13/14 word → active resolved inactive …
    fields: tuple[SiteField, ...] = ()
    padded_numbers: bool = True  # 0012345 and 12345 of one authority are one patient
    check_digits: bool = False  # the last digit of a patient number is a check digit that other feeds leave out
    source: str = "import"  # the feed's name: two FHIR servers may both have a Patient/1
