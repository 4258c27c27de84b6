"""Codes in value sets: dots, capitals, ranges, prefixes, and the two kinds of ICD-10."""

from collections.abc import Iterator
from typing import Literal

import pytest

from clinical.codes import Coding
from rules.knowledge import Knowledge
from rules.load import load_knowledge, read_files

VTE = "venous-thromboembolism"


@pytest.mark.parametrize(
    ("system", "code", "name", "held"),
    [
        ("ICD10", "I80.2", VTE, True),
        ("ICD10", "i802", VTE, True),
        ("I10", "I26.9", VTE, True),
        ("ICD-10", "I26", VTE, True),
        ("ICD10", "I80.0", VTE, False),
        ("ICD10CM", "I82.401", VTE, True),
        ("ICD10", "I82.401", VTE, True),
        ("ICD10", "I82.811", VTE, False),
        ("ICD10", "I82.811", "superficial-thrombophlebitis", True),
        ("ICD10", "Z86.711", "venous-thromboembolism-history", True),
        ("ICD10", "Z86.7", "venous-thromboembolism-history", False),
        ("ICD10", "Z86.7", "venous-thromboembolism-possible", True),
        ("ICD10", "C00.0", "malignancy", True),
        ("ICD10", "C97", "malignancy", True),
        ("ICD10", "C44.3", "malignancy", False),
        ("ICD10", "D00.0", "malignancy", False),
        ("ICD10", "O99.8", "pregnancy-puerperium", True),
        ("ICD10CM", "O9A.2", "pregnancy-puerperium", True),
        ("ATC", "B01AB05", "heparin-group", True),
        ("ATC", "B01AB02", "heparin-group", False),
        ("ATC", "B01AB", "heparin-group", True),
        ("ATC", "B01A", "heparin-group", False),
        ("ATC", "B03XA01", "prothrombotic-medicine", True),
        ("ATC", "B03XA06", "prothrombotic-medicine", False),
        ("SCT", "128053003", VTE, True),
        ("ICPC", "K94", VTE, True),
        ("GS40", "1320", "pregnancy-puerperium", True),
        ("LN", "6301-6", "inr", True),
        ("LOINC", "6301-60", "inr", False),
        ("ICD10", "", VTE, False),
        ("", "I26.9", VTE, False),
    ],
)
def test_a_code_is_in_the_set_or_not(knowledge: Knowledge, system: str, code: str, name: str, held: bool) -> None:
    assert (name in knowledge.sets_of(Coding(system, code))) is held


def lookalikes() -> Iterator[Coding]:
    for line in read_files().documents["value_sets/venous-thromboembolism-lookalikes.yaml"].value["codes"]:
        yield Coding(line["system"], line["code"])


@pytest.mark.parametrize("coding", list(lookalikes()), ids=lambda each: f"{each.system} {each.code}")
def test_what_only_looks_like_a_thrombosis_is_none(knowledge: Knowledge, coding: Coding) -> None:
    assert not knowledge.sets_of(coding) & {VTE, "venous-thromboembolism-history"}


def test_a_hospital_adds_its_own_codes(knowledge: Knowledge) -> None:
    own = load_knowledge(local={VTE: [Coding("99ZKH", "TROMB1")]})

    assert VTE in own.sets_of(Coding("99zkh", "tromb1"))
    assert VTE not in knowledge.sets_of(Coding("99ZKH", "TROMB1"))
    assert own.version != knowledge.version


def test_codes_that_come_later_leave_the_knowledge_they_were_added_to_as_it_was(knowledge: Knowledge) -> None:
    own = knowledge.with_local_codes({"intravenous-immunoglobulin": [Coding("99ZKH", "IG10")]})

    assert own.classify([Coding("99ZKH", "IG10")]).product_class == "ivig"
    assert knowledge.classify([Coding("99ZKH", "IG10")]).product_class == "other"
    assert own.version.startswith(f"{knowledge.version}+")
    assert own.sets_of(Coding("ICD10", "I26.9")) == knowledge.sets_of(Coding("ICD10", "I26.9"))


def test_the_same_codes_give_the_same_version_in_whatever_order_they_came(knowledge: Knowledge) -> None:
    one, two = Coding("99ZKH", "A"), Coding("99ZKH", "B")

    versions = {knowledge.with_local_codes({VTE: each}).version for each in ([one, two], [two, one])}

    assert len(versions) == 1
    assert knowledge.with_local_codes({VTE: [one]}).version not in versions
    assert knowledge.with_local_codes({}).version == knowledge.version
    assert knowledge.with_local_codes({"a-set-of-long-ago": [one]}).version == knowledge.version


@pytest.mark.parametrize(
    ("kind", "system", "spoken"),
    [
        ("diagnosis", "I10", True),
        ("diagnosis", "ICPC-1", True),
        ("diagnosis", "GS40", False),
        ("diagnosis", "ATC", False),
        ("product", "WC", True),
        ("product", "PRK", False),
        ("product", "", False),
    ],
)
def test_the_knowledge_tells_which_code_systems_it_speaks(
    knowledge: Knowledge, kind: Literal["product", "diagnosis"], system: str, spoken: bool
) -> None:
    assert knowledge.speaks(kind, Coding(system, "X")) is spoken


@pytest.mark.parametrize(
    ("codings", "text", "kept"),
    [
        ([Coding("ICD10", "I80.2")], "", True),
        ([Coding("ICD10", "J18.9")], "", False),
        ([], "vader trombosebeen", True),
        ([Coding("L", "5-820", "Totale heupprothese")], "", True),
        ([], "paracetamol 500 mg", False),
        ([], "acenocoumarol 1 mg tablet", True),
        ([Coding("HL70162", "IV")], "", False),
        ([], "", False),
    ],
)
def test_history_keeps_what_a_rule_can_use(knowledge: Knowledge, codings: list[Coding], text: str, kept: bool) -> None:
    assert knowledge.keeps(codings, text) is kept
