"""Advice for one patient: harmful lines are left out or replaced, and duplicate lines merged."""

from collections.abc import Iterable, Iterator, Sequence

from clinical.words import Tier
from rules.assessment import AdviceLine, Finding
from rules.facts import Fact
from rules.picture import Picture
from rules.terms import Guard, GuardedLine
from rules.wording import fill

MOST_NOW = 3  # lines that are to be done now
# Acts for which one line is enough, whatever else it says; for other acts every line is a different subject.
_ONCE = frozenset(
    {
        "give-without-delay", "decide-now", "hold", "postpone", "discuss-alternatives", "anticoagulate",
        "anticoagulate-without-heparin", "prophylaxis", "check-prophylaxis", "bridge", "mechanical-measures",
        "spread", "lower-dose", "slow-rate", "hydrate", "limit-fluid", "confirm-history", "inform-patient", "record",
    }
)  # fmt: skip  # by subject
_LATER = frozenset({"watch", "inform-patient", "record", "report", "review"})


def advise(lines: Iterable[GuardedLine], picture: Picture, facts: tuple[Fact, ...]) -> tuple[AdviceLine, ...]:
    """Return the lines that apply to this patient, each replaced where a guard forbids it."""
    told: list[AdviceLine] = []
    for line in lines:
        for safe in _guarded(line, picture, picture.guards):
            filled = safe.ready or AdviceLine(fill(safe.text, picture, facts), safe.acts)
            if filled not in told:
                told.append(filled)
    return tuple(told)


def _guarded(line: GuardedLine, picture: Picture, guards: Sequence[Guard]) -> list[GuardedLine]:
    """Return the line itself, or the guards' replacements; a guard does not apply to its own replacement."""
    if line.only_if is not None and not picture.state(line.only_if).held:
        return []
    if line.unless is not None and picture.state(line.unless).held:
        return []
    for guard in guards:
        if not guard.instead_of.isdisjoint(line.does):
            others = [each for each in guards if each is not guard]
            return [safe for instead in guard.says for safe in _guarded(instead, picture, others)]
    return [line]


def together(
    found: Sequence[Finding], checklist: Iterable[GuardedLine], picture: Picture, *, always: bool = True
) -> tuple[list[AdviceLine], int]:
    """Return every line once, what is to be done now first; and how many those are.

    What guards say in any case is said of an order, not of what came after one.
    """
    in_any_case = [line for guard in picture.guards if guard.always and always for line in guard.says]
    lines = [*advise(in_any_case, picture, ()), *_in_turn(found), *(line for each in found for line in each.advice)]
    now = [line for line in _once(lines) if not _LATER & set(line.does)][:MOST_NOW]
    rest = [*lines, *advise(checklist, picture, ())]
    return [*now, *(line for line in _once([*now, *rest]) if line not in now)], len(now)


def _in_turn(found: Sequence[Finding]) -> Iterator[AdviceLine]:
    """Yield what each finding that asks for a look wants done now: two lines of the first, one of every other."""
    most = 2
    for finding in found:
        if finding.tier >= Tier.MODERATE:
            yield from [line for line in finding.advice if not _LATER & set(line.does)][:most]
            most = 1


def _once(lines: Iterable[AdviceLine]) -> list[AdviceLine]:
    """Leave out a line whose acts are all covered by earlier lines."""
    kept: list[AdviceLine] = []
    said: set[str] = set()
    for line in lines:
        if line in kept or (said.issuperset(line.does) and _ONCE.issuperset(line.does)):
            continue
        kept.append(line)
        said.update(line.does)
    return kept
