"""Verdicts on what rules on trial found, on both databases."""

from datetime import timedelta

import sqlalchemy as sa

from store import tables, trial_verdicts
from store.trial_verdicts import TrialVerdict, VerdictCounts
from tests.store.builders import NOW, insert


def an_order(connection: sa.Connection, key: str) -> int:
    patient = insert(connection, tables.patient, authority="ZKHA", value=key)
    order = {"key": key, "product_class": "ivig", "state": "active", "version": "1", "data": {}}
    return insert(connection, tables.medication_order, patient_id=patient, **order)


def test_a_second_thought_is_kept_beside_the_first_which_counts_and_others_keep_theirs(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        order = an_order(connection, "1")
        for reviewer, verdict, after in (("els", "wrong", 0), ("jan", "wrong", 1), ("els", "right", 2)):
            at = NOW + timedelta(minutes=after)
            trial_verdicts.keep(connection, TrialVerdict(order, "R1", reviewer, verdict, at))
        found = sorted(trial_verdicts.of_rules(connection, {"R1"}))

    second = NOW + timedelta(minutes=2)
    assert found == [
        TrialVerdict(order, "R1", "els", "wrong", NOW, later="right", later_at=second),
        TrialVerdict(order, "R1", "jan", "wrong", NOW + timedelta(minutes=1)),
    ]
    assert trial_verdicts.count(found) == {"R1": VerdictCounts(wrong=1)}


def test_who_comes_back_to_the_first_verdict_has_no_second_thought(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        order = an_order(connection, "1")
        for verdict, after in (("wrong", 0), ("right", 1), ("wrong", 2)):
            at = NOW + timedelta(minutes=after)
            trial_verdicts.keep(connection, TrialVerdict(order, "R1", "els", verdict, at))
        found = trial_verdicts.of_rules(connection, {"R1"})

    assert found == [TrialVerdict(order, "R1", "els", "wrong", NOW)]


def test_a_verdict_that_was_not_blind_stays_so_whatever_follows(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        order = an_order(connection, "1")
        trial_verdicts.keep(connection, TrialVerdict(order, "R1", "els", "wrong", NOW, is_blind=False))
        trial_verdicts.keep(connection, TrialVerdict(order, "R1", "els", "right", NOW))
        found = trial_verdicts.of_rules(connection, {"R1"})

    assert [(each.verdict, each.is_blind, each.later) for each in found] == [("wrong", False, "right")]


def test_only_blind_verdicts_count_and_what_nobody_judged_blind_is_told_apart() -> None:
    found = [
        TrialVerdict(1, "R1", "els", "right", NOW),
        TrialVerdict(1, "R1", "jan", "wrong", NOW, is_blind=False),
        TrialVerdict(2, "R1", "jan", "wrong", NOW, is_blind=False),
    ]

    assert trial_verdicts.count(found) == {"R1": VerdictCounts(right=1, not_blind=1)}


def test_a_share_leaves_out_what_is_unsure_and_nothing_has_no_limits_but_all() -> None:
    assert str(VerdictCounts(3, 1, 5).share_right) == "3 of 4 (75%, 30% to 95%)"
    assert VerdictCounts(0, 0, 2).share_right.limits == (0.0, 1.0)
