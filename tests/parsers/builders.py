"""Messages to read: say what the case is about, the rest is filled in."""

from parsers.defaults import Defaults
from parsers.hl7.header import read_header
from parsers.hl7.segments import Message, Segment, split

PID = "PID|1||1000001^^^ZKHA^PI||Jansen^Willem^^^^^L||19481103|M"
DEFAULTS = Defaults()


def a_message(*segments: str, kind: str = "ADT^A08", version: str = "2.5", sent: str = "20250310120000") -> bytes:
    """A message of these segments, after an MSH, with CR line ends."""
    msh = f"MSH|^~\\&|EPD|ZKHA|IVIGWATCH|ZKHA|{sent}||{kind}|C1|P|{version}|||||NLD|UNICODE UTF-8"
    return "".join(f"{segment}\r" for segment in (msh, *segments)).encode()


def a_patient_message(*segments: str, kind: str = "ADT^A08", version: str = "2.5", pid: str = PID) -> bytes:
    """The same, of one patient."""
    return a_message(pid, *segments, kind=kind, version=version)


def a_segment(line: str) -> Segment:
    """One segment, as the first of its name."""
    return split(a_message(line)).segments[1]


def parts_of(raw: bytes) -> tuple[Message, tuple[Segment, ...]]:
    """A message and its segments after the MSH."""
    message = split(raw)
    return message, message.segments[1:]


HEADER = read_header(a_message(), DEFAULTS)
