"""Values of the rules as plain JSON, each fact with where it was read."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from clinical.events import Amount
from rules.assessment import Text
from rules.facts import Fact, Provenance, Range

Json = dict[str, Any]


def text_told(text: Text) -> Json:
    """Words in both languages."""
    return {"nl": text.nl, "en": text.en}


def texts_told(texts: Iterable[Text]) -> list[Json]:
    """Several of them."""
    return [text_told(text) for text in texts]


def fact_told(fact: Fact) -> Json:
    """A fact, with the message and field it was read from."""
    coding = fact.codings[0] if fact.codings else None
    return {
        "kind": fact.kind,
        "code": coding.code if coding else "",
        "system": coding.system if coding else "",
        "display": (coding.display if coding else "") or fact.text,
        "value": _value(fact),
        "unit": fact.unit,
        "at": time_told(fact.starts),
        "precision": fact.precision,
        "certainty": fact.certainty,
        **provenance_told(fact.provenance),
    }


def _value(fact: Fact) -> str:
    if fact.value is None:
        return ""
    if fact.value.low == fact.value.high:
        return f"{fact.comparator}{plain(fact.value.low)}"
    return f"{plain(fact.value.low)}-{plain(fact.value.high)}"


def provenance_told(provenance: Provenance | None) -> Json:
    """The message and field; empty when nobody sent it."""
    if provenance is None:
        return {"message": "", "message_id": "", "path": ""}
    return {"message": provenance.control_id, "message_id": str(provenance.message), "path": provenance.path}


def plain(number: Decimal) -> str:
    """A number without exponent and without idle zeros, at most four decimals."""
    text = f"{number:.4f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def time_told(moment: datetime | date | None) -> str | None:
    """A time as ISO 8601."""
    return moment.isoformat() if moment is not None else None


def amount(quantity: Range | Amount | None) -> list[float] | None:
    """A quantity as [low, high]; None when it is not known."""
    if quantity is None:
        return None
    return [float(plain(quantity.low)), float(plain(quantity.high))]
