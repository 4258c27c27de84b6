"""Envelopes as a sender sends them, with a drug written in."""

from functools import cache
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
_USUAL = "|^~\\&"


@cache
def shapes() -> list[dict[str, Any]]:
    """Our own envelopes."""
    return _read("shapes.yaml")  # type: ignore[no-any-return]  # a list, as the file begins


@cache
def products(kind: str) -> list[dict[str, str]]:
    """Names and codes of `ivig`, or of `lookalike`."""
    return _read("products.yaml")[kind]  # type: ignore[no-any-return]  # as the file is written


def _read(name: str) -> Any:
    return yaml.safe_load((HERE / name).read_text(encoding="utf-8"))


def filled(shape: dict[str, Any], product: dict[str, str]) -> bytes:
    """One of our envelopes as bytes, with a product in it."""
    separators = shape.get("delimiters", _USUAL)
    head = f"MSH|{{}}|EPD|ZKHA|IVIGWATCH|ZKHA|20250310120000+0100||{shape['type']}|C1|P|{shape['version']}"
    pid, pv1 = "PID|1||1000001^^^ZKHA^PI||Jansen^Willem||19481103|M", "PV1|1|I|C4NEU"
    about = [pv1, pid] if shape.get("pv1_first") else [pid, pv1]
    drug = product[shape["drug"]]
    lines = [head, *about, *(line.replace("{drug}", drug) for line in shape["lines"])]
    text = shape.get("before", "") + shape.get("ends", "\r").join([*lines, ""])
    table = dict(zip(_USUAL, separators, strict=False))
    sent = "".join(table.get(character, character) for character in text).format(separators[1:])
    return sent.encode(shape.get("charset", "utf-8"))
