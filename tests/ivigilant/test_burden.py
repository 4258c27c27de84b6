"""How often the rules disturb somebody, on a synthetic population, and which published thromboses they hold."""

from pathlib import Path

import pytest

from clinical.words import CHANNELS
from history.choices import Site
from ivigilant.demonstration import per_hundred_orders
from ivigilant.knowledge.burden import (
    AT,
    INTERRUPT,
    PATIENTS,
    WORKLIST,
    Burden,
    Held,
    Kept,
    Varied,
    Year,
    YearAnswer,
    figures,
    held,
    in_words,
    keep,
    kept,
    measure,
    measure_apart,
    measure_choices,
    two_processes,
    vary,
)
from ivigilant.knowledge.burden_page import Option, write_page
from rules.knowledge import Knowledge
from synthetic.population import OURS, SHARE, USES, every_share, years
from synthetic.published import published

BURDEN_PAGE = Path(__file__).parents[2] / "docs" / "burden.md"
LOUD = YearAnswer(INTERRUPT, "high", 5, said=True, drivers=("IG-VTE-007",))
COVERED = YearAnswer(INTERRUPT, "high", 5, said=False, drivers=("IG-VTE-007",))
QUIET = YearAnswer("none", "none", 0, said=False, drivers=())


@pytest.fixture(scope="module")
def burden(knowledge: Knowledge) -> Burden:
    return Burden(measure(knowledge, Site(), 40, AT))


@pytest.fixture(scope="module")
def cases(knowledge: Knowledge) -> list[Held]:
    return held(knowledge)


def test_every_order_of_a_year_has_an_answer(burden: Burden) -> None:
    orders = [len(patient.orders) for patient in years(AT, 40)]

    assert [len(year.answers) for year in burden.years] == orders
    assert sum(burden.first_in(channel) for channel in CHANNELS) == pytest.approx(100)


def test_a_year_lies_before_now_and_is_told_in_its_order() -> None:
    for patient in years(AT, 40):
        sent = [at for at, _ in patient.told]
        assert sent == sorted(sent)
        assert all(order.schedule.starts < AT for order in patient.prescriptions)


def test_the_same_patients_give_the_same_figures(burden: Burden, knowledge: Knowledge) -> None:
    assert measure(knowledge, Site(), 40, AT) == burden.years


def test_other_processes_count_the_same_and_take_other_limits(burden: Burden) -> None:
    told: list[int] = []

    with two_processes() as processes:
        same = measure_apart(processes, 40, told=told.append)
        other = measure_apart(processes, 40, chosen={"moderate_from_points": 9})

        again, higher = measure_choices(processes, 40, [{}, {"moderate_from_points": 9}])

    assert same.years == again.years == burden.years
    assert other.years == higher.years
    assert told == [40]
    assert other.first_in(WORKLIST) < burden.first_in(WORKLIST)


def test_what_was_settled_is_an_answer_and_is_not_said() -> None:
    found = Burden([Year("use-itp", {}, (LOUD, COVERED, COVERED, QUIET))])

    assert found.orders(lambda answer: answer.channel == INTERRUPT) == 75
    assert found.said_in(INTERRUPT) == 25
    assert found.first_in(INTERRUPT) == 100


def test_a_larger_share_weighs_those_who_drew_it() -> None:
    share = SHARE["prior-vte"]
    found = Burden([Year("use-itp", {"prior-vte": True}, (LOUD,)), Year("use-itp", {"prior-vte": False}, (QUIET,))])

    more = found.with_share(share, 2)

    assert more.first_in(INTERRUPT) == pytest.approx(100 * 2 / (2 + (1 - 2 * share.value) / (1 - share.value)))
    assert found.with_share(share, 1).first_in(INTERRUPT) == pytest.approx(50)


def test_a_larger_use_weighs_its_patients() -> None:
    found = Burden([Year("use-itp", {}, (LOUD,)), Year("use-pid", {}, (QUIET,))])
    itp = next(use.share for use in USES if use.share.name == "use-itp")

    assert found.with_share(itp, 2).first_in(INTERRUPT) == pytest.approx(100 * 2 / 3)


def test_every_share_is_drawn_as_often_as_it_says() -> None:
    drawn: dict[str, list[bool]] = {}
    for patient in years(AT, 400):
        for name, so in patient.drawn.items():
            drawn.setdefault(name, []).append(so)

    assert drawn.keys() == SHARE.keys()
    for name, found in drawn.items():
        value = SHARE[name].value
        spread = (value * (1 - value) / len(found)) ** 0.5
        assert abs(sum(found) / len(found) - value) < 4 * spread, name


def test_every_share_has_a_source_or_is_called_ours() -> None:
    assert all(share.source for share in every_share())
    assert {share.name for share in every_share() if share.source.startswith(OURS)} < SHARE.keys()


def test_every_published_case_has_its_source_and_says_what_was_read(cases: list[Held]) -> None:
    others = [each.case for each in cases if not each.case.is_seed]

    assert len(others) >= 25
    assert all(case.url.startswith("http") and case.source for case in others)
    assert len({each.case.id for each in cases}) == len(cases)
    assert published().left_out


def test_the_cases_of_the_assessment_interrupt(cases: list[Held]) -> None:
    quiet = {each.case.id for each in cases if each.case.is_seed and each.answer.channel != INTERRUPT}

    assert quiet == {"forum-husband", "forum-johnson"}  # nothing told of them before their thrombosis


def test_long_treatment_at_one_dose_makes_no_contraindication_quieter(knowledge: Knowledge, cases: list[Held]) -> None:
    told = {each.case.id: each.answer for each in cases}

    moved = [each for each in held(knowledge, long=True) if each.answer.channel != told[each.case.id].channel]

    assert all(each.case.order.before for each in moved)
    assert not [each.case.id for each in moved if told[each.case.id].tier == "contraindication"]
    assert {"crim-2015", "milani-2009"} <= {each.case.id for each in moved}


def test_the_page_shows_burden_yield_costs_cases_and_sources(
    burden: Burden, knowledge: Knowledge, cases: list[Held]
) -> None:
    silent = [Held(each.case, QUIET) for each in cases]
    varied = [Varied(share, (1.0, 2.0), (3.0, 4.0)) for share in every_share()]

    options = [Option("as it is", burden, cases), Option("silent", burden, silent)]
    page = write_page(burden, knowledge, cases, options, varied)

    assert f"| interrupt | {burden.first_in(INTERRUPT):.1f} |" in page
    assert all(f"| {each.case.id} |" in page for each in cases)
    assert all(f"{share.source} | 1.0 / 2.0 | 3.0 / 4.0 |" in page for share in every_share())
    fallen = next(line for line in page.splitlines() if line.startswith("| silent |"))
    assert "emerson-2" in fallen
    assert "alliot-2001" not in fallen


def test_half_and_double_of_every_share_are_weighed(burden: Burden) -> None:
    assert [each.share for each in vary(burden)] == every_share()


def test_the_figures_that_are_kept_are_those_of_these_rules(knowledge: Knowledge) -> None:
    found = kept(knowledge.version)

    assert found is not None, "the rules changed: make docs"
    assert found.patients == PATIENTS
    assert f"| interrupt | {found.first[INTERRUPT]:.1f} |" in BURDEN_PAGE.read_text(encoding="utf-8")


def test_figures_of_other_rules_are_not_used(tmp_path: Path, burden: Burden) -> None:
    keep(figures(burden, "1.old"), tmp_path / "kept.json")

    assert kept("1.new", tmp_path / "kept.json") is None
    assert kept("1.old", tmp_path / "none.json") is None
    assert kept("1.old", tmp_path / "kept.json") == figures(burden, "1.old")


def test_a_terminal_shows_both_ways_of_counting() -> None:
    found = Kept("1", 10, 90, {INTERRUPT: 12.0, WORKLIST: 30.0}, {INTERRUPT: 3.0, WORKLIST: 4.0})

    assert in_words(found) == (
        "of 100 first answers 12.0 interrupt and 30.0 stand in the worklist; of 100 orders of a year 3.0 and 4.0"
    )


def test_the_report_of_a_demonstration_counts_per_hundred_orders() -> None:
    found = {"ivig_orders": 50, "alerts": {"contraindication": 10, "high": 5, "moderate": 1}}

    assert per_hundred_orders(found) == "contraindication 20, high 10, moderate 2"
