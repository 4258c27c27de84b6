"""The closed set of words a condition may use; each is written once, in the module of its subject."""

from rules.conditions import combined, history, measured, planned, surveillance, treatments
from rules.conditions.vocabulary import WORDS

__all__ = ["WORDS", "combined", "history", "measured", "planned", "surveillance", "treatments"]
