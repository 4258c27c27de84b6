"""Which rules a site's codes reach."""

from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa

from ivigilant.knowledge.coverage import Coverage, cover, lacking
from rules.knowledge import Knowledge
from tests.ivigilant.processes import ivigilant
from tests.ivigilant.site_hospital import SiteHospital, a_message, an_order


@pytest.fixture
def covered(engine: sa.Engine, tmp_path: Path) -> Callable[..., Coverage]:
    """What a hospital with this site file covers after these messages."""

    def after(text: str, *messages: bytes) -> Coverage:
        hospital = SiteHospital(engine, tmp_path, text)
        for message in messages:
            hospital.receives(message)
        with engine.connect() as connection:
            return cover(connection, hospital.worker.knowledge, hospital.file, 1000)

    return after


def test_a_rule_is_reached_by_what_came_and_not_by_what_did_not(covered: Callable[..., Coverage]) -> None:
    found = covered("", a_message("DG1|1||I80.2^DVT^I10||20190614|F"), an_order())

    lacks = {rule.id: rule.lacks for rule in found.rules}
    assert lacks["IG-VTE-001"] == ()
    assert lacks["IG-DATA-033"] == ()
    assert "IG-VTE-001" not in [rule.id for rule in found.silent]
    assert len(found.silent) > 5
    assert found.ivig_orders == 1


def test_codes_of_the_house_and_those_that_wait_are_counted(covered: Callable[..., Coverage]) -> None:
    found = covered(
        "codes: [{system: ZKH, code: D7, value_set: venous-thromboembolism-history}]",
        a_message("DG1|1||D7^aandoening^ZKH", "DG1|2||D8^Trombosebeen^ZKH", "DG1|3||D9^Hik^ZKH"),
        an_order(),
    )

    assert found.house == {"venous-thromboembolism-history": 1}
    assert (found.waiting, found.telling) == (2, 1)


@pytest.mark.parametrize(
    ("conditions", "seen", "lacks"),
    [
        ([{"ordered": "intravenous-immunoglobulin"}], set(), set()),
        ([{"ever_diagnosed": ["malignancy", "obesity"]}], {"obesity"}, set()),
        ([{"ever_diagnosed": ["malignancy", "obesity"]}], set(), {"malignancy", "obesity"}),
        ([{"any": [{"now_has": "obesity"}, {"taking": "heparin"}]}], {"heparin"}, set()),
        ([{"any": [{"now_has": "obesity"}, {"taking": "heparin"}]}], set(), {"obesity", "heparin"}),
        ([{"all": [{"now_has": "obesity"}, {"taking": "heparin"}]}], {"heparin"}, {"obesity"}),
        ([{"not_taking": "heparin"}], set(), set()),
        ([{"latest": "inr", "below": 2, "within_days": 7, "if_missing": "holds"}], set(), set()),
        ([{"latest": "inr", "below": 2, "within_days": 7, "if_missing": "fails"}], set(), {"inr"}),
    ],
)
def test_what_a_condition_lacks(
    knowledge: Knowledge, conditions: list[dict[str, object]], seen: set[str], lacks: set[str]
) -> None:
    assert lacking(conditions, seen, knowledge.terms) == lacks


def test_the_command_tells_it_in_lines(sqlite_url: str) -> None:
    run = ivigilant("knowledge", "coverage", environment={"IVIGILANT_DATABASE_URL": sqlite_url})

    assert run.returncode == 0, run.stderr
    assert "not so far IG-VTE-001" in run.stdout
    assert "codes that wait to be mapped: 0" in run.stdout
