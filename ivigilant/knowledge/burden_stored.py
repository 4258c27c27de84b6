"""The figures of the last run over the whole population, kept beside the code, with the rules they were made by."""

from collections import Counter
from pathlib import Path

import msgspec

from ivigilant.knowledge.burden import Burden

FILE = Path(__file__).with_name("burden.json")


class Kept(msgspec.Struct, frozen=True):
    """What the file holds."""

    knowledge: str
    orders: int
    tiers: dict[str, int]


def keep(burden: Burden, version: str, file: Path = FILE) -> None:
    """Write the figures down."""
    told = Kept(version, burden.orders, dict(sorted(burden.tiers.items())))
    file.write_bytes(msgspec.json.format(msgspec.json.encode(told), indent=1) + b"\n")


def kept(version: str, file: Path = FILE) -> Burden | None:
    """Give the figures when they were made by these rules; else they say nothing of them."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=Kept)
    except (OSError, msgspec.DecodeError):
        return None
    return Burden(found.orders, Counter(found.tiers)) if found.knowledge == version else None
