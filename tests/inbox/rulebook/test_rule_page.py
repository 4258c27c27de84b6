"""The rule book, as a pharmacist reads it."""

from datetime import timedelta

import pytest

from inbox.http.settings import Approval
from inbox.http.words import load_words
from inbox.rulebook.rule_page import ConditionSentence, read_table, say_all, titles_of, without_fillings
from rules.conditions import WORDS
from rules.errors import Fault
from rules.knowledge import Knowledge
from rules.living import Settled
from tests.inbox.builders import NOW
from tests.inbox.desks import with_alerts
from tests.inbox.sites import Client, Site, sign_in

WORDS_IN = load_words(("nl", "en"))


def test_a_condition_is_said_in_a_sentence_with_the_titles_of_its_sets() -> None:
    condition = {"latest": "inr", "below": "2.0", "within_days": 7, "if_missing": "holds"}

    english = say_all([condition], {"inr": "INR"}, WORDS_IN["en"])
    dutch = say_all([condition], {"inr": "INR"}, WORDS_IN["nl"])

    assert english == (ConditionSentence("latest INR below 2.0, at most 7 days old, also when it is not known"),)
    assert dutch == (
        ConditionSentence("laatste INR lager dan 2,0, ten hoogste 7 dagen oud, ook als het niet bekend is"),
    )


def test_conditions_within_a_condition_stand_below_it() -> None:
    said = say_all([{"any": [{"taking": ["doac", "vka"]}, {"is": "at-risk"}]}], {"doac": "a DOAC"}, WORDS_IN["en"])

    assert said == (
        ConditionSentence(
            "at least one of these:", (ConditionSentence("takes a DOAC or vka"), ConditionSentence("at-risk"))
        ),
    )


@pytest.mark.parametrize("language", ["nl", "en"])
def test_every_word_of_the_vocabulary_has_a_sentence(language: str) -> None:
    for word in WORDS.values():
        parts = dict.fromkeys(word.parts, "1") | {"if_missing": "fails", "if_undated": "fails"}

        (said,) = say_all([{word.name: "x", **parts}], {}, WORDS_IN[language])

        assert said.words


@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_rule_is_said_with_a_name_of_ours(language: str, knowledge: Knowledge) -> None:
    titles = titles_of(knowledge, language)

    for rule in knowledge.rules:
        for line in say_all(rule.form.when, titles, WORDS_IN[language]):
            for words in (line.words, *(part.words for part in line.parts)):
                assert "_" not in words, (rule.id, words)
                assert "{" not in words


def test_a_table_of_examples_is_read_with_its_header() -> None:
    table = "| case | INR | alert |\n|------|-----|-------|\n| at the limit | 2.0 | none |\n| absent | | high |\n"

    assert read_table(table) == (
        ["case", "INR", "alert"],
        [["at the limit", "2.0", "none"], ["absent", "", "high"]],
    )


def test_what_is_filled_in_per_patient_is_shown_as_left_open() -> None:
    assert without_fillings("INR {inr}[[ of {day}]] is below 2") == "INR … of … is below 2"


def test_the_rule_book_lists_every_rule_and_how_often_it_fired(
    one_page: Client, one_site: Site, knowledge: Knowledge
) -> None:
    with_alerts(one_site, 2)

    book = one_page.get("/rules").text
    page = one_page.get("/rules/IG-VTE-001").text

    assert all(f'href="/rules/{rule.id}"' in book for rule in knowledge.rules)
    assert "It fired in 2 of the latest 2 answers." in page


def test_a_rule_that_nobody_looked_at_in_time_is_marked(one_page: Client, one_site: Site) -> None:
    before = one_page.get("/rules").text

    one_site.now = NOW + timedelta(days=3650)
    one_site.add_user("jan")
    with one_site.client() as later:
        after = sign_in(later, "jan").get("/rules/IG-VTE-001").text

    assert "review overdue" not in before
    assert "review overdue" in after


def test_until_somebody_approved_the_rules_the_inbox_says_so(one_site: Site, knowledge: Knowledge) -> None:
    one_site.add_user("els")

    def banners(approval: Approval | None) -> str:
        with one_site.client(approval=approval) as client:
            return sign_in(client, "els").get("/banners").text

    assert "have not been approved at this site" in banners(None)
    assert "have changed since they were approved" in banners(Approval("A. de Vries", NOW.date(), "1.0"))
    assert "approved" not in banners(Approval("A. de Vries", NOW.date(), knowledge.version))


def test_rules_that_are_faulty_and_not_used_are_said_on_every_page(one_site: Site, knowledge: Knowledge) -> None:
    one_site.add_user("els")
    fault = Fault("library/ig-vte-015.yaml", 7, "'low' is not a number")
    one_site.rulebook = Settled(knowledge, (fault,))

    with one_site.client() as client:
        told = sign_in(client, "els").get("/banners").text

    assert "The changed rules have a fault and are not used." in told
    assert "library/ig-vte-015.yaml:7" in told
    assert knowledge.version in told


def test_the_leaflet_names_the_signs_in_both_languages_and_nobody(one_page: Client, one_site: Site) -> None:
    (alert,) = with_alerts(one_site)

    leaflet = one_page.get("/leaflet").text

    assert "shortness of breath" in leaflet
    assert "kortademigheid" in leaflet
    assert 'href="/leaflet"' in one_page.get(f"/alerts/{alert}").text


def test_the_page_counts_by_tier_and_tells_the_history_and_the_approval(one_page: Client, one_site: Site) -> None:
    with_alerts(one_site, 2)

    page = one_page.get("/rules/IG-VTE-001").text

    assert "last 30 days" in page
    assert "last 365 days" in page
    assert page.count("<td>2</td><td>2</td>") == 1
    assert "First version" in page
    assert "Approved at this site by A. de Vries" in page


@pytest.mark.parametrize(
    ("approval", "words"),
    [
        (None, "Not approved at this site."),
        (Approval("A. de Vries", NOW.date(), "1.0"), "but in version 1.0; the rules have changed since"),
    ],
)
def test_a_rule_says_when_it_was_not_approved_as_it_is(one_site: Site, approval: Approval | None, words: str) -> None:
    one_site.add_user("els")

    with one_site.client(approval=approval) as client:
        page = sign_in(client, "els").get("/rules/IG-VTE-001").text

    assert words in page


def test_a_rule_that_never_fired_says_so_and_one_that_was_not_chosen_too(one_page: Client) -> None:
    page = one_page.get("/rules/IG-VTE-027").text

    assert "It did not fire in the last 365 days." in page
    assert "not used at this site" in page


def test_every_line_of_evidence_names_a_title_and_where_it_stands(knowledge: Knowledge, one_page: Client) -> None:
    for rule in knowledge.rules:
        for line in rule.evidence:
            assert ".." not in line, line
    page = one_page.get("/rules/IG-VTE-001").text
    assert "Paran D et al. Venous and arterial thrombosis" in page
    assert "(2005). Blood Coagul Fibrinolysis 16:313-8: DVT 4 hours" in page
