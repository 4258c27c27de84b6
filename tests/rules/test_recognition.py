"""Which orders are IVIg: every product of the value sets is found, every look-alike stays silent."""

import csv
from pathlib import Path

import pytest

from clinical.codes import Coding
from parsers.medication.immunoglobulins import looks_like_immunoglobulin
from rules.form_check import check_form
from rules.forms import CodeLine, ValueSetForm
from rules.knowledge import Knowledge
from rules.load import read_files
from rules.recognition import Dosed

IV, SC, IM = Coding("HL70162", "IV"), Coding("HL70162", "SC"), Coding("HL70162", "IM")
FILES = read_files()


def lines_of(name: str) -> list[CodeLine]:
    document = FILES.documents[f"value_sets/{name}.yaml"]
    form = check_form(document, ValueSetForm, document.value)
    assert form is not None
    return form.codes


def codes_of(name: str) -> list[Coding]:
    return [Coding(line.system, line.code) for line in lines_of(name) if line.match in ("exact", "prefix")]


def brands_of(name: str) -> list[str]:
    return sorted({line.brand for line in lines_of(name) if line.brand})


def seen(knowledge: Knowledge, codings: list[Coding], text: str = "", route: Coding | None = None) -> str:
    return knowledge.classify(codings, text, [route] if route else []).product_class


@pytest.mark.parametrize("coding", codes_of("intravenous-immunoglobulin"), ids=lambda each: each.code)
@pytest.mark.parametrize("route", [None, IV], ids=["no route", "IV"])
def test_a_product_code_is_ivig(knowledge: Knowledge, coding: Coding, route: Coding | None) -> None:
    assert seen(knowledge, [coding], route=route) == "ivig"


@pytest.mark.parametrize("brand", brands_of("intravenous-immunoglobulin"))
def test_a_brand_for_intravenous_use_is_ivig_in_words(knowledge: Knowledge, brand: str) -> None:
    product = knowledge.classify([], f"{brand} 100 mg/ml infuus 100 ml")

    assert (product.product_class, product.route) == ("ivig", "IV")
    assert product.brand.split()[0] == brand.split(maxsplit=1)[0]


@pytest.mark.parametrize(
    "coding", codes_of("immunoglobulin-any-route") + codes_of("immunoglobulin-dual-route"), ids=lambda each: each.code
)
def test_a_code_that_does_not_tell_the_route_follows_the_route(knowledge: Knowledge, coding: Coding) -> None:
    assert seen(knowledge, [coding], route=IV) == "ivig"
    assert seen(knowledge, [coding], route=SC) == "scig"
    assert seen(knowledge, [coding]) == "possible_ivig"


@pytest.mark.parametrize("brand", brands_of("immunoglobulin-dual-route"))
def test_a_brand_for_both_routes_follows_the_route(knowledge: Knowledge, brand: str) -> None:
    assert seen(knowledge, [], brand, IV) == "ivig"
    assert seen(knowledge, [], brand, SC) == "scig"
    assert seen(knowledge, [], brand) == "possible_ivig"


@pytest.mark.parametrize("coding", codes_of("immunoglobulin-lookalikes"), ids=lambda each: each.code)
def test_a_look_alike_code_is_never_ivig(knowledge: Knowledge, coding: Coding) -> None:
    assert seen(knowledge, [coding], "immunoglobuline", IV) == "lookalike"


@pytest.mark.parametrize(
    "words",
    [
        "Anti-D immunoglobuline 1000 IE", "RhoGAM", "Rhophylac 300", "RhedQuin 375 IE", "WinRho SDF", "D-Gam 500",
        "CMV immuunglobuline", "CMV-IGIV", "immunoglobuline anti-CMV", "cytomegalie immunoglobuline",
        "RSV immunoglobuline",
        "Hepatitis B immuunglobuline infuus", "hyperimmuun immunoglobuline iv", "Rhesus D immuunglobuline",
        "Hepatitis B immunoglobuline iv", "Hepatect CP 50 E/ml infvlst", "HepBQuin", "HepaGam B", "Zutectra",
        "Cytotect CP", "CytoGam", "Ivegam-CMV", "Megalotect", "cytomegalovirus immunoglobulin iv",
        "TetaQuin", "tetanus immunoglobuline im", "Imogam rabies", "rabiës immunoglobuline", "HyperRAB",
        "VariQuin", "varicella zoster immunoglobuline", "Varitect iv", "Thymoglobuline 25 mg infuus", "Atgam",
        "anti-thymocyten immunoglobuline iv", "Grafalon", "Botulisme antitoxine", "palivizumab", "DigiFab",
        "albumine 20% infuus", "IgG in serum", "immunoglobuline G bepaling serum", "IgG spiegel",
        "Partobulin immunoglobuline", "Resogam immunoglobuline", "Tetagam P immunoglobuline",
        "Gamma-tet immunoglobuline",
        "Berirab immunoglobuline", "Tollwut Immunglobulin", "Aunativ immunoglobuline", "Venbig immunoglobuline",
        "inmunoglobulina humana antitetánica", "immunoglobuline tegen hepatitis B", "HBIG immune globulin",
        "IgG subklassen",
        "bepaling immunoglobulinen IgG IgA IgM", "Immunoglobulins quantitation serum",
    ],
)  # fmt: skip  # a list of names
def test_a_look_alike_in_words_is_never_ivig(knowledge: Knowledge, words: str) -> None:
    assert seen(knowledge, [], words, IV) in ("lookalike", "other")


@pytest.mark.parametrize("coding", codes_of("subcutaneous-immunoglobulin"), ids=lambda each: each.code)
def test_a_subcutaneous_code_is_not_ivig(knowledge: Knowledge, coding: Coding) -> None:
    assert seen(knowledge, [coding], route=SC) == "scig"
    assert seen(knowledge, [coding]) == "scig"


@pytest.mark.parametrize("brand", brands_of("subcutaneous-immunoglobulin"))
def test_a_subcutaneous_brand_is_not_ivig(knowledge: Knowledge, brand: str) -> None:
    assert seen(knowledge, [], f"{brand} 30 g", SC) == "scig"
    assert seen(knowledge, [], f"{brand} 30 g") == "scig"


@pytest.mark.parametrize(
    "words",
    [
        "IVIG 30 g", "ivig", "IV-Ig 0,4 g/kg", "Immunoglobuline normaal infuus", "immuunglobuline iv",
        "IMMUNOGLOBULINE IV 100MG/ML INFVLST 100ML", "intraveneuze immunoglobuline", "immune globulin intravenous",
        "Immunoglobulin normal human iv 100 mg/mL", "humaan normaal immunoglobuline infusie",
    ],
)  # fmt: skip  # a list of names
def test_the_usual_words_are_ivig(knowledge: Knowledge, words: str) -> None:
    assert seen(knowledge, [], words) == "ivig"


@pytest.mark.parametrize(
    "words",
    [
        "inmunoglobulina humana normal", "imunoglobulina humana", "immunoglobulina umana", "Immunglobulin vom Menschen",
        "immunoglobulines humaines", "gammaglobuline", "immune globulin",
    ],
)  # fmt: skip  # a list of names
def test_an_immunoglobulin_in_any_spelling_follows_the_route(knowledge: Knowledge, words: str) -> None:
    assert seen(knowledge, [], words, IV) == "ivig"
    assert seen(knowledge, [], words, SC) == "scig"
    assert seen(knowledge, [], words) == "possible_ivig"


@pytest.mark.parametrize("words", ["SCIG 20 g", "immunoglobuline subcutaan", "immunoglobuline s.c. 20%", "Beriglobin"])
def test_words_that_say_under_the_skin_are_no_ivig(knowledge: Knowledge, words: str) -> None:
    assert seen(knowledge, [], words) == "scig"


def test_a_change_from_under_the_skin_to_the_vein_is_ivig(knowledge: Knowledge) -> None:
    assert seen(knowledge, [], "IVIG 30 g, was immunoglobuline subcutaan") == "ivig"


def test_another_medicine_is_something_else(knowledge: Knowledge) -> None:
    assert seen(knowledge, [Coding("ATC", "N02BE01", "paracetamol")], "paracetamol 1 g", IV) == "other"


def test_a_brand_for_intravenous_use_sent_with_another_route_is_ivig_and_flagged(knowledge: Knowledge) -> None:
    product = knowledge.classify([Coding("ATC", "J06BA02")], "Privigen 10 g", [SC])

    assert product.product_class == "ivig"
    assert product.flags == ("route_contradicts_product",)


def test_a_subcutaneous_product_ordered_intravenously_is_not_let_go(knowledge: Knowledge) -> None:
    product = knowledge.classify([Coding("ATC", "J06BA01")], "Hizentra", [IV])

    assert product.product_class == "possible_ivig"
    assert product.flags == ("route_contradicts_product",)


def test_a_code_of_ivig_with_words_of_a_look_alike_is_not_let_go(knowledge: Knowledge) -> None:
    product = knowledge.classify([Coding("ATC", "J06BA02")], "Privigen, anti-D apart", [IV])

    assert product.product_class == "possible_ivig"
    assert product.flags == ("code_contradicts_text",)


@pytest.mark.parametrize(
    ("coding", "route"),
    [
        (Coding("HL70162", "IVPB"), "IV"),
        (Coding("", "47625008"), "IV"),
        (Coding("L", "INF", "intraveneus"), "IV"),
        (Coding("L", "ONDERH", "onderhuids"), "SC"),
        (IM, "IM"),
        (Coding("HL70162", "PO"), ""),
    ],
)
def test_a_route_is_read_from_code_or_words(knowledge: Knowledge, coding: Coding, route: str) -> None:
    assert knowledge.classify([], "Gamunex", [coding]).route == route


@pytest.mark.parametrize(
    ("system", "code"),
    [("ATC", "J06BA02"), ("WC", "j06ba02"), ("2.16.840.1.113883.6.73", "J06BA02"), ("atc", "J06BA02 ")],
)
def test_a_code_system_goes_by_many_names(knowledge: Knowledge, system: str, code: str) -> None:
    assert seen(knowledge, [Coding(system, code)]) == "ivig"


_WORDS = list(csv.DictReader((Path(__file__).parent / "product_words.csv").open(encoding="utf-8")))
_CLASSES = {
    "not": {"lookalike", "other"},
    "under the skin": {"scig"},
    "ivig": {"ivig", "possible_ivig"},
}


def test_words_of_hospitals_name_what_they_mean(knowledge: Knowledge) -> None:
    found = {each["words"]: seen(knowledge, [], each["words"]) for each in _WORDS}

    assert {
        each["words"]: found[each["words"]] for each in _WORDS if found[each["words"]] not in _CLASSES[each["is"]]
    } == {}


def test_what_is_named_beside_ivig_hides_no_strength(knowledge: Knowledge) -> None:
    assert [
        each["words"] for each in _WORDS if each["is"] == "ivig" and not looks_like_immunoglobulin((), each["words"])
    ] == []


def test_a_look_alike_in_another_clause_is_a_doubt_and_no_silence(knowledge: Knowledge) -> None:
    product = knowledge.classify([], "IVIg 30 g, cave anti-D positief")

    assert (product.product_class, product.flags) == ("possible_ivig", ("code_contradicts_text",))


def test_a_route_under_the_skin_outweighs_a_product_that_is_only_left(knowledge: Knowledge) -> None:
    assert seen(knowledge, [], "Hizentra (switch from IVIg)", SC) == "scig"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("R06AA04", "Clemastine 2 mg, premedicatie bij IVIg"),
        ("L01FA01", "Rituximab, after IVIG"),
        ("B05BB01", "NaCl voor IVIg"),
    ],
)
def test_a_medicine_that_goes_with_ivig_is_something_else(knowledge: Knowledge, code: str, words: str) -> None:
    assert seen(knowledge, [Coding("ATC", code)], words, IV) == "other"


def test_a_code_of_something_else_hides_no_ivig_that_the_words_order(knowledge: Knowledge) -> None:
    assert seen(knowledge, [Coding("ATC", "B05BB01")], "IVIg 30 g in NaCl", IV) == "ivig"
    assert seen(knowledge, [Coding("ATC", "B05BB01")], "Infuus voor IVIg 30 g", IV) == "ivig"


_DOUBTFUL = list(csv.DictReader((Path(__file__).parent / "doubtful_words.csv").open(encoding="utf-8")))
_DOSED: dict[str, Dosed] = {"": "", "by volume": "by volume", "in grams": "in grams"}
_READINGS = {"ivig": {"ivig"}, "possible": {"possible_ivig"}, "other": {"other"}, "not": {"lookalike", "other"}}


def test_words_that_name_ivig_beside_something_else_are_let_go_only_without_doubt(knowledge: Knowledge) -> None:
    read = [
        (each, knowledge.classify([], each["words"], [Coding("HL70162", each["route"])], _DOSED[each["dosed"]]))
        for each in _DOUBTFUL
    ]

    assert {
        (each["words"], each["route"], each["dosed"], each["is"]): product.product_class
        for each, product in read
        if product.product_class not in _READINGS[each["is"]]
    } == {}


def test_a_local_code_changes_nothing_of_what_the_words_say(knowledge: Knowledge) -> None:
    read = {
        each["words"]: seen(knowledge, [Coding("99LCN", "771", each["words"])], route=IV)
        for each in _DOUBTFUL
        if each["is"] in ("ivig", "possible") and not each["dosed"]
    }

    assert {words: found for words, found in read.items() if found not in ("ivig", "possible_ivig")} == {}
