"""Reading a message: ours, hl7apy and python-hl7 side by side."""

from datetime import UTC, datetime
from pathlib import Path

import hl7
from hl7apy.parser import parse_message

from bench.messages import results
from bench.report import Table, us
from bench.timing import processor_seconds_of, seconds_of, yardstick
from parsers.defaults import Defaults
from parsers.hl7.header import read_header
from parsers.hl7.segments import split
from parsers.reading import read

_RUNS = 300
_LIMITS = {"RDE^O11": 0.0007, "ORU^R01": 0.002}  # seconds to read one in full
SAMPLE = Path(__file__).parents[1] / "tests" / "samples" / "08_rde_o11_v25_components_rate.hl7"


def measure() -> Table:
    """Read an order with its mixture and rates, and a laboratory result of 200 lines."""
    given = {
        "RDE^O11": SAMPLE.read_bytes(),
        "ORU^R01": results(1, datetime.now(UTC), 200),
    }
    rows = [_row(name, raw) for name, raw in given.items()]
    columns = (
        *("message", "segments", "bytes", "header", "split", "read in full", "python-hl7", "hl7apy"),
        *("read in full, processor", "limit"),
    )
    notes = [
        f"the least processor time of {_RUNS} readings is held against the limit; the yardstick, 20,000 additions in a"
        f" dict in plain Python, takes {us(yardstick())} µs of it here",
        "µs for one message; header, split and read in full are ours: what the listener needs, every field reachable,"
        " and every event with its codes, doses and doubts",
        "python-hl7 and hl7apy (find_groups=False) build their trees and interpret nothing",
    ]
    return Table("Reading", columns, rows, notes)


def _row(name: str, raw: bytes) -> list[str]:
    defaults = Defaults()
    text = raw.decode()
    took = [
        seconds_of(lambda: read_header(raw, defaults)),
        seconds_of(lambda: [segment.text(3) for segment in split(raw).segments]),
        seconds_of(lambda: read(raw, defaults)),
        seconds_of(lambda: hl7.parse(text)),
        seconds_of(lambda: parse_message(text, find_groups=False)),
    ]
    full = processor_seconds_of(lambda: read(raw, defaults), _RUNS)
    return [name, str(raw.count(b"\r")), str(len(raw)), *map(us, took), us(full), us(_LIMITS[name])]
