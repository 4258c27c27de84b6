"""Verdicts on what rules on trial found, by people who did not see the answer."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa

from clinical.ratios import Ratio
from store.rowsets import insert_or
from store.tables import trial_verdict

VERDICTS = ("right", "wrong", "unsure")


class TrialVerdict(NamedTuple):
    """What one person says of one finding: would it have been worth saying?"""

    order_id: int
    rule: str
    reviewer: str
    verdict: str  # the first, which counts
    at: datetime
    is_blind: bool = True  # given before she opened the answer
    later: str | None = None  # what she says now, if that is something else
    later_at: datetime | None = None


class VerdictCounts(NamedTuple):
    """How many findings of a rule got which blind verdict; reviewers who disagree make a finding unsure."""

    right: int = 0
    wrong: int = 0
    unsure: int = 0
    not_blind: int = 0  # judged only by people who had opened the answer

    @property
    def share_right(self) -> Ratio:
        """Return the share that was right, of what was not left unsure, with its limits."""
        return Ratio(self.right, self.right + self.wrong)


def keep(connection: sa.Connection, verdict: TrialVerdict) -> None:
    """Store a verdict: a reviewer's first on a finding counts, a later one is stored beside it."""
    insert = insert_or(connection.dialect.name, trial_verdict).values(verdict._asdict())
    new, first = insert.excluded, trial_verdict.c.verdict
    later = {
        "later": sa.func.nullif(new.verdict, first),
        "later_at": sa.case((new.verdict != first, new.at), else_=None),
    }
    connection.execute(insert.on_conflict_do_update(index_elements=["order_id", "rule", "reviewer"], set_=later))


def of_rules(connection: sa.Connection, rules: Collection[str]) -> list[TrialVerdict]:
    """Return every verdict on these rules."""
    query = sa.select(trial_verdict).where(trial_verdict.c.rule.in_(sorted(rules)))
    return [TrialVerdict(*row) for row in connection.execute(query)]


def count(verdicts: Iterable[TrialVerdict]) -> dict[str, VerdictCounts]:
    """Count the findings of each rule by their first blind verdict."""
    by_finding: dict[tuple[str, int], set[str]] = defaultdict(set)
    for one in verdicts:
        by_finding[one.rule, one.order_id] |= {one.verdict} if one.is_blind else set()
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for (rule, _), blind in by_finding.items():
        counts[rule]["unsure" if len(blind) > 1 else next(iter(blind), "not_blind")] += 1
    return {rule: VerdictCounts(**found) for rule, found in counts.items()}
