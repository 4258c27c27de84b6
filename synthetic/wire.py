"""HL7 v2 as text: fields by number, times, codes, one message."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Europe/Amsterdam")
VERSIONS = ("2.3", "2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7")
_RANK = {version: rank for rank, version in enumerate(VERSIONS)}
_ESCAPES = str.maketrans({"\\": "\\E\\", "|": "\\F\\", "^": "\\S\\", "&": "\\T\\", "~": "\\R\\"})


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one of the hospital's systems writes: its name and the version of HL7 it speaks."""

    application: str  # EPD, APOTHEEK, LIS, EMAR
    version: str

    def speaks(self, since: str) -> bool:
        """Return whether a field or segment that came with version `since` may be used."""
        return _RANK[self.version] >= _RANK[since]

    def time(self, at: datetime) -> str:
        """Write a moment to the second: local time, with its offset from 2.3.1 on."""
        local = at.astimezone(ZONE)
        return local.strftime("%Y%m%d%H%M%S%z" if self.speaks("2.3.1") else "%Y%m%d%H%M%S")

    @property
    def charset(self) -> str:
        """MSH-18."""
        return "UNICODE UTF-8" if self.speaks("2.3.1") else "8859/1"


@dataclass(frozen=True, slots=True)
class SentCode:
    """A coded value with its text, and the same in a second system where the sender knows one."""

    code: str
    text: str
    system: str
    other: tuple[str, str, str] | None = None

    def __str__(self) -> str:
        """Write it as CE or CWE."""
        first = f"{self.code}^{escape(self.text)}^{self.system}"
        if self.other is None:
            return first
        code, text, system = self.other
        return f"{first}^{code}^{escape(text)}^{system}"


@dataclass(frozen=True, slots=True)
class Draft:
    """A message that has yet to be sent: the stream gives it its number and its time."""

    dialect: Dialect
    type: str
    event: str
    structure: str
    segments: tuple[str, ...]


def escape(words: str) -> str:
    """Write text so that none of it is taken for a separator."""
    return words.translate(_ESCAPES)


def segment(name: str, fields: Mapping[int, object]) -> str:
    """Write one segment from its fields by number; what is not named is empty."""
    values = [""] * (max(fields, default=0) + 1)
    values[0] = name
    for number, value in fields.items():
        values[number] = str(value)
    return "|".join(values).rstrip("|")


def moment(of: date | datetime | None, dialect: Dialect) -> str:
    """Write a moment, a date, or nothing: as precisely as it is known."""
    if of is None:
        return ""
    return dialect.time(of) if isinstance(of, datetime) else of.strftime("%Y%m%d")


def unit(code: str, text: str, dialect: Dialect) -> str:
    """Write a unit as the version names its table."""
    return f"{code}^{text}^{'UCUM' if dialect.speaks('2.5') else 'ISO+'}"


def post(draft: Draft, control_id: str, sent_at: datetime) -> bytes:
    """Write the whole message, every segment ended by a carriage return."""
    dialect = draft.dialect
    encoding = "^~\\&#" if dialect.speaks("2.7") else "^~\\&"
    kind = f"{draft.type}^{draft.event}"
    if dialect.speaks("2.3.1"):
        kind += f"^{draft.structure}"
    header = (
        f"MSH|{encoding}|{dialect.application}|ZKHA|IVIGILANT|ZKHA|{dialect.time(sent_at)}||{kind}|{control_id}|P|"
        f"{dialect.version}|||||NLD|{dialect.charset}"
    )
    text = "\r".join((header, *draft.segments)) + "\r"
    return text.encode("utf-8" if dialect.speaks("2.3.1") else "latin-1")
