"""Whether a drug looks like an immunoglobulin: only then may a strength that was not sent be assumed."""

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import lru_cache

from clinical.codes import Coding

INTRAVENOUS_STRENGTHS = (Decimal(50), Decimal(100))  # mg/mL; every product for the vein is 5 % or 10 %
SUBCUTANEOUS_STRENGTHS = (Decimal(100), Decimal(200))
_SUBCUTANEOUS = "J06BA01"
_ATC = ("J06BA", "J06BB")

_NAMES = re.compile(
    r"im+u+n+[oe]?\s?-?globulin|in+mun[oe]?globulin|\bigg\b|\bivig\b|\bivimm|\bi\.?v\.?i\.?g|\bscig\b"
    r"|gam+a[- ]?globulin"
    r"|gam+agard|gam+aked|gam+aplex|gam+anorm|nanogam|privigen|kiovig|gamunex|octagam|octanorm|flebogam|intratect"
    r"|panzyga|iqymune|bivigam|asceniv|yimmugo|alyglo|qivigy|hizentra|cuvitru|cutaquig|xembify|hyqvia|sandoglobulin"
    r"|ig\s?vena|intraglobin|multigam|multigram|plangamma|gamimune",
    re.IGNORECASE,
)
_SPECIFIC = re.compile(
    r"anti-?\s?d\b|rhesus|rhophylac|rhedquin|tetan|hepatit|rabi[eë]s|hondsdol|varicella|botul|anti-?thymocy|anti-?lymfocy"
    r"|thymoglobulin|digoxin|digifab|cytomegal|cytotect|megalotect|palivizumab",
    re.IGNORECASE,
)


def looks_like_immunoglobulin(codings: Sequence[Coding], text: str) -> bool:
    """Whether a code or a name says normal human immunoglobulin, for the vein or under the skin."""
    if any(coding.code.upper().startswith(_ATC[0]) for coding in codings):
        return True
    if any(coding.code.upper().startswith(_ATC[1]) for coding in codings):
        return False  # a specific one: dosed in units
    return _looks_alike(text)


@lru_cache(maxsize=4096)
def _looks_alike(text: str) -> bool:
    return _NAMES.search(text) is not None and _SPECIFIC.search(text) is None


def usual_strengths(codings: Sequence[Coding]) -> tuple[Decimal, Decimal]:
    """The weakest and the strongest in mg/mL that such a product comes in."""
    if any(coding.code.upper() == _SUBCUTANEOUS for coding in codings):
        return SUBCUTANEOUS_STRENGTHS
    return INTRAVENOUS_STRENGTHS
