"""One person, whatever identities it goes by."""

from datetime import date
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.events import AnyEvent
from clinical.identities import PersonName
from clinical.words import Tier
from history.choices import Site
from history.person import PersonAnswers, judge_messages, latest_fields
from rules.knowledge import Knowledge
from tests.history.builders import (
    a_dose,
    a_message,
    a_thrombosis,
    a_weight,
    an_order,
    answered,
    by_citizen_number,
    grams,
    merged,
    moment,
    patient,
    seen,
    told,
)
from tests.knowledge_folders import our_knowledge

KNOWLEDGE = our_knowledge()  # hypothesis draws many histories in one test
OLD, NEW, OTHER = patient("1"), patient("2"), patient("3")
BSN = by_citizen_number("123456782")
NEW_WITH_BSN, OTHER_WITH_BSN = patient("2", "123456782"), patient("3", "123456782")
ORDER = an_order(who=NEW, dose=grams(30), starts=moment())


def numbers(person: PersonAnswers) -> list[str]:
    return [value for _, value in person.person.identities]


def tiers(people: list[PersonAnswers]) -> list[Tier]:
    return [answer.tier for each in people for answer in each.answers]


def badges(people: list[PersonAnswers]) -> list[set[str]]:
    return [set(each.person.badges) for each in people]


def test_a_thrombosis_under_the_old_number_counts_after_the_merge(knowledge: Knowledge) -> None:
    apart = answered(knowledge, a_thrombosis(who=OLD), ORDER)
    together = answered(knowledge, a_thrombosis(who=OLD), ORDER, merged(OLD, into=NEW))

    assert tiers(together) > tiers(apart)
    assert [numbers(person) for person in together] == [["2", "1"]]


def test_a_merge_counts_whenever_it_comes(knowledge: Knowledge) -> None:
    messages = told(a_thrombosis(who=OLD), ORDER, merged(OLD, into=NEW))

    found = {str(tiers(judge_messages(arrived, knowledge, Site()))) for arrived in permutations(messages)}

    assert len(found) == 1


def test_an_unmerge_parts_them_again(knowledge: Knowledge) -> None:
    merge, parted = merged(OLD, into=NEW), merged(OLD, into=NEW, undone=True)

    (person,) = answered(knowledge, a_thrombosis(who=OLD), ORDER, merge, parted)

    assert (numbers(person), person.person.is_unclear) == (["2"], False)


def test_numbers_that_lead_to_each_other_are_one_unclear_person(knowledge: Knowledge) -> None:
    found = answered(knowledge, ORDER, merged(OLD, into=NEW), merged(NEW, into=OLD))

    assert badges(found) == [{"identity_unclear"}]
    assert sorted(numbers(found[0])) == ["1", "2"]


def test_who_is_led_together_by_others_after_they_were_parted_is_unclear(knowledge: Knowledge) -> None:
    merges = [merged(OLD, into=NEW, undone=True), merged(OLD, into=OTHER), merged(NEW, into=OTHER)]

    assert badges(answered(knowledge, ORDER, *merges)) == [{"identity_unclear"}]


def test_an_order_by_citizen_number_is_of_the_one_who_carries_it(knowledge: Knowledge) -> None:
    order = an_order(who=BSN, dose=grams(30), starts=moment())

    (person,) = answered(knowledge, a_thrombosis(who=NEW_WITH_BSN), order)

    assert numbers(person) == ["2", "123456782"]
    assert badges([person]) == [set()]


def test_a_citizen_number_that_two_carry_joins_nobody_and_is_shown_as_unclear(knowledge: Knowledge) -> None:
    order = an_order(who=BSN, dose=grams(30), starts=moment())

    found = answered(knowledge, seen(NEW_WITH_BSN), seen(OTHER_WITH_BSN), order)

    assert [numbers(person) for person in found] == [["123456782"]]
    assert badges(found) == [{"identity_unclear"}]


def test_the_latest_name_under_any_number_counts_whichever_came_first(knowledge: Knowledge) -> None:
    messages = [
        a_message(ORDER, merged(OLD, into=NEW)),
        a_message(seen(NEW, name=PersonName(family="de Vries", given="Anna"), ward="C4"), number=1),
        a_message(seen(OLD, name=PersonName(family="Jansen", given="Anna")), number=2),
    ]

    for arrived in permutations(messages):
        (person,) = judge_messages(arrived, knowledge, Site())
        assert (person.person.shown["name"], person.person.shown["ward"]) == ("Jansen, Anna", "C4")


def test_a_field_that_a_later_message_leaves_empty_stays(knowledge: Knowledge) -> None:
    (person,) = answered(knowledge, ORDER, seen(NEW, birth_date=date(1948, 11, 3), sex="F"), seen(NEW, ward="C4"))

    assert (person.person.patient.birth_date, person.person.patient.sex) == (date(1948, 11, 3), "F")


def test_of_two_messages_of_one_version_the_first_identity_by_name_decides() -> None:
    assert latest_fields([({"sex": "F"}, {"sex": "1"}), ({"sex": "M"}, {"sex": "1"})]) == {"sex": "F"}
    assert latest_fields([({"sex": "F"}, {"sex": "1"}), ({"sex": "M"}, {"sex": "2"})]) == {"sex": "M"}


def test_every_alert_about_somebody_who_died_is_marked(knowledge: Knowledge) -> None:
    found = answered(knowledge, ORDER, seen(NEW, deceased=True))

    assert badges(found) == [{"deceased"}]
    assert found[0].person.patient.deceased


def test_somebody_who_turns_out_to_be_alive_is_not_marked(knowledge: Knowledge) -> None:
    assert badges(answered(knowledge, ORDER, seen(NEW, deceased=True), seen(NEW, deceased=False))) == [set()]


def test_where_the_patient_lies_is_unknown_until_it_is_told(knowledge: Knowledge) -> None:
    lies = [
        answered(knowledge, ORDER, *events)[0].person.patient.inpatient
        for events in ([], [seen(NEW, patient_class="I")], [seen(NEW, patient_class="O")])
    ]

    assert lies == [None, True, False]


def test_an_alert_shows_every_number_the_survivor_first(knowledge: Knowledge) -> None:
    (person,) = answered(knowledge, an_order(who=NEW_WITH_BSN, dose=grams(30)), merged(OLD, into=NEW))

    assert [each["value"] for each in person.person.shown["identifiers"]] == ["2", "1", "123456782"]


def test_who_gets_no_ivig_is_not_judged(knowledge: Knowledge) -> None:
    assert answered(knowledge, a_thrombosis(who=OLD), a_weight(60, who=OLD)) == []


PEOPLE = st.sampled_from([OLD, NEW, OTHER, NEW_WITH_BSN, OTHER_WITH_BSN, BSN])
HAPPENINGS = st.lists(
    st.one_of(
        st.builds(an_order, st.sampled_from(["EPD|1", "EPD|2"]), PEOPLE, dose=st.just(grams(30))),
        st.builds(a_dose, st.just("EPD|1"), st.integers(0, 2), PEOPLE),
        st.builds(a_thrombosis, st.integers(-3, 3), PEOPLE, action=st.sampled_from(["assert", "delete"])),
        st.builds(merged, PEOPLE, PEOPLE, undone=st.booleans()),
        st.builds(seen, PEOPLE, deceased=st.booleans(), sex=st.sampled_from(["F", "M"])),
    ),
    max_size=7,
)


@settings(max_examples=60)
@given(happened=HAPPENINGS, data=st.data())
def test_whatever_order_messages_arrive_in_the_same_people_get_the_same_answers(
    happened: list[AnyEvent], data: st.DataObject
) -> None:
    messages = told(*happened)
    arrived = data.draw(st.permutations(messages))

    found = judge_messages(arrived, KNOWLEDGE, Site())

    assert summary(found) == summary(judge_messages(messages, KNOWLEDGE, Site()))


def summary(people: list[PersonAnswers]) -> list[tuple[object, ...]]:
    return [
        (numbers(each), sorted(each.person.badges), [answer.conclusion.signature for answer in each.answers])
        for each in people
    ]
