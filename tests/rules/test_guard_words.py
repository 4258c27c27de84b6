"""What guards a line of advice is recognised in words, in Dutch, German, French and English: `guard_words.csv`."""

from datetime import timedelta

from clinical.codes import Coding
from rules.examples import AT
from rules.facts import Case, Fact, Kind, Order, Patient
from rules.knowledge import Knowledge
from rules.picture import Picture
from tests.rules.guard_words import GuardWord, read_guard_words

YESTERDAY = AT - timedelta(days=1)
INDICATED = {"indication-guillain-barre": "guillain-barre"}  # the state that holds where an order names it


def is_seen(knowledge: Knowledge, word: GuardWord) -> bool:
    """Whether a patient of whom this was written yesterday has what guards."""
    if word.kind == "indication":
        order = Order("O1", indications=(Coding("", "", word.text),))
        picture = Picture(Case(order, Patient(), AT), knowledge.terms)
        return picture.state(picture.terms.states[INDICATED[word.set]]).held
    kind: Kind = "medication" if word.kind == "medicine" else "condition"
    case = Case(Order("O1"), Patient(), AT, (Fact(kind, (), text=word.text, starts=YESTERDAY, status="active"),))
    picture = Picture(case, knowledge.terms)
    return bool(picture.taking((word.set,)) if kind == "medication" else picture.history((word.set,)))


def test_every_word_of_the_table_is_read_as_agreed(knowledge: Knowledge) -> None:
    words = read_guard_words()

    assert [word.text for word in words if is_seen(knowledge, word) != word.is_named] == []


def test_no_two_words_are_the_same() -> None:
    words = [(word.kind, word.set, word.text) for word in read_guard_words()]

    assert len(set(words)) == len(words)


def test_an_earlier_year_in_the_words_dates_what_guards_for_some_days(knowledge: Knowledge) -> None:
    for name, text in (("bleeding", "maagbloeding"), ("indication-guillain-barre", "Guillain-Barré")):
        told = Fact("condition", (), text=f"Z.n. {text} 2009", starts=YESTERDAY, status="active")
        (fact,) = Picture(Case(Order("O1"), Patient(), AT, (told,)), knowledge.terms).history((name,))

        assert fact.starts is not None
        assert fact.starts.year == 2009
