"""The kinds of condition, each a function in the module of its subject."""

from rules.conditions import combined, history, measured, planned, surveillance, treatments
from rules.conditions.vocabulary import WORDS

__all__ = ["WORDS", "combined", "history", "measured", "planned", "surveillance", "treatments"]
