"""The clauses of a drug text: what is ordered, and what is only said beside it ("IVIg, cave anti-D", "bij tetanus")."""

import re

_BESIDE = (  # before what is not ordered: a disease, another drug, a denial
    r"\b(?:bij|wegens|vanwege|ivm|na|cave|let op|geen|niet|nooit|stop|gestopt|staak|ipv|in plaats van|vervang(?:t|ing)"
    r"|bei|wegen|nach|kein\w*|nicht|statt|ersetzt|after|because|due to|instead|no|not|never|without|replac\w+"
    r"|pre-?medic\w*|apr[eè]s|chez|pas|sans|au lieu|remplac\w*|tras|despu[eé]s|sin|en lugar|reemplaz\w*|dopo|senza"
    r"|invece|al posto)\b"
    r"|\bi\.v\.m\.|\bi\.p\.v\."
)
_FOR = r"\b(?:voor|for|f[uü]r|pour|para|per)\b"
_FOR_WHAT = (  # before the treatment that a drug only goes with
    r"\b(?:tbv|ten behoeve van|rond|tijdens|voorafgaand|pre|before|prior|during|avant|pendant|vor|zu|zur|vorher|antes"
    r"|prima|durante)\b|\bt\.b\.v\."
)
_SUBJECT_ENDS = re.compile(rf"({_BESIDE}|{_FOR}|{_FOR_WHAT}|[;,(\[])", re.IGNORECASE)
_APART = re.compile(_BESIDE, re.IGNORECASE)
_APART_FROM_A_NAME = re.compile(rf"{_BESIDE}|{_FOR}|[;,()\[\]/+]|\.\s", re.IGNORECASE)


def clauses(text: str, *, of_a_name: bool = False) -> list[str]:
    """Return the clauses of a text.

    After the name of a product any punctuation begins another one; "Immunoglobuline (anti-D)" is one.
    """
    apart = _APART_FROM_A_NAME if of_a_name else _APART
    return [each for each in apart.split(text) if each.strip()]


def told_beside(text: str) -> tuple[str, list[tuple[str, str]]]:
    """Return what is ordered, and each clause behind it with the word or mark that begins it.

    "Clemastine, premedicatie bij IVIg" orders `Clemastine`; the last clause is `IVIg`, begun by `bij`.
    """
    ordered, *rest = _SUBJECT_ENDS.split(text)
    return ordered, list(zip(rest[::2], rest[1::2], strict=True))
