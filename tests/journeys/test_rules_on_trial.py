"""A rule on trial is judged by its orders, without the answers that were given."""

import json
from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from ivigilant.knowledge.review import on_trial, trial_as_json, trial_as_page, trial_in_words
from rules.load import load_knowledge
from store.engine import reading
from synthetic.terms import IMMOBILITY, TREMOR
from tests.journeys.hospital import Hospital
from tests.journeys.test_review_of_decisions import Ward
from tests.knowledge_folders import a_copy, edit

TITLES = {"IG-VTE-007": "Risk factors for thrombosis"}


def test_the_orders_of_a_rule_on_trial_are_listed_with_what_it_saw_and_nothing_that_was_answered(
    fresh_engine: Callable[[], sa.Engine], tmp_path: Path
) -> None:
    folder = a_copy(tmp_path / "own")
    edit(folder, "library/ig-vte-007.yaml", "status: live", "status: trial")
    ward = Ward(Hospital(fresh_engine(), load_knowledge(folder)))
    immobile = ward.admits(IMMOBILITY)
    ward.admits(TREMOR)

    with reading(ward.hospital.engine) as connection:
        found = on_trial(connection, TITLES)
        later = on_trial(connection, TITLES, ward.hospital.clock())

    assert [(each.rule, [one.order for one in each.orders]) for each in found] == [("IG-VTE-007", [immobile])]
    assert not later[0].orders
    told = json.loads(trial_as_json(found))[0]["orders"][0]
    assert set(told) == {"order", "at", "saw"}
    assert "immobility" in " ".join(told["saw"])
    for text in (trial_in_words(found), trial_as_page(found)):
        assert immobile in text
        assert not [tier for tier in ("information", "moderate", "contraindication") if tier in text]


def test_no_rule_on_trial_is_said() -> None:
    assert trial_in_words([]) == "No rule is on trial."
    assert "No rule is on trial." in trial_as_page([])
