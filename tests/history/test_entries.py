"""Which entries of a history count, whatever arrived first."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from clinical.events import AnyEvent
from history.entries import Entry, decode, encode, fold_entries
from history.messages import ReadMessage, gather
from history.orders import fold_orders
from rules.knowledge import Knowledge
from tests.history.builders import a_dose, a_message, a_thrombosis, a_weight, an_order, grams, patient, told
from tests.knowledge_folders import our_knowledge

KNOWLEDGE = our_knowledge()  # hypothesis draws many histories in one test
CONTROLS = ("NW", "XO", "CA", "DC", "HD", "RL", "UX", "OC", "RP")


def standing(knowledge: Knowledge, *messages: ReadMessage) -> list[Entry]:
    return fold_entries(gather(messages, knowledge).entries)


def events(entries: list[Entry]) -> list[AnyEvent]:
    return [entry.event for entry in entries]


def test_a_correction_takes_the_place_of_what_it_corrects_whichever_came_first(knowledge: Knowledge) -> None:
    first = a_message(a_weight(80), number=1)
    corrected = a_message(a_weight(60), number=2)

    for arrived in permutations([first, corrected]):
        assert events(standing(knowledge, *arrived)) == [a_weight(60)]


def test_a_diagnosis_that_was_withdrawn_is_gone_until_it_is_reported_again(knowledge: Knowledge) -> None:
    messages = told(a_thrombosis(), a_thrombosis(action="delete"), a_thrombosis(text="after all"))

    assert standing(knowledge, *messages[:2]) == []
    assert events(standing(knowledge, *messages)) == [a_thrombosis(text="after all")]


def test_a_correction_under_another_number_of_the_patient_corrects_too(knowledge: Knowledge) -> None:
    old, new = patient("1"), patient("2")

    found = standing(knowledge, *told(a_weight(80, who=old), a_weight(60, who=new)))

    assert events(found) == [a_weight(60, who=new)]


def test_every_event_of_an_order_stays(knowledge: Knowledge) -> None:
    found = standing(knowledge, *told(an_order(), an_order(control="HD"), an_order(control="RL")))

    assert len(found) == 3


def test_what_is_stored_reads_back_as_it_was() -> None:
    event = an_order(dose=grams(30))
    rows = [(7, "order", "k", "20260302090000000000-0", False, encode("M1", event), 3, event.path)]

    (found,) = decode(rows)

    assert (found.event, found.patient_id, found.message_id, found.control_id) == (event, 7, 3, "M1")


HAPPENINGS = st.lists(
    st.one_of(
        st.builds(an_order, st.sampled_from(["EPD|1", "EPD|2"]), control=st.sampled_from(CONTROLS)),
        st.builds(a_dose, st.sampled_from(["EPD|1", "EPD|2"]), st.integers(0, 3), grams=st.builds(grams, st.just(30))),
        st.builds(a_thrombosis, st.integers(-3, -1), action=st.sampled_from(["assert", "delete"])),
        st.builds(a_weight, st.integers(50, 90), st.integers(-2, 0)),
    ),
    max_size=8,
)


@given(happened=HAPPENINGS, data=st.data())
def test_whatever_order_messages_arrive_in_the_same_entries_and_orders_stand(
    happened: list[AnyEvent], data: st.DataObject
) -> None:
    messages = told(*happened)
    arrived = data.draw(st.permutations(messages))
    twice = data.draw(st.lists(st.sampled_from(messages), max_size=3)) if messages else []

    found = standing(KNOWLEDGE, *arrived, *twice)

    assert found == standing(KNOWLEDGE, *messages)
    assert fold_orders(found) == fold_orders(standing(KNOWLEDGE, *messages))
