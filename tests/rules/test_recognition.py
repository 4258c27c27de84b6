"""Which orders are IVIg: every product of the value sets is found, every look-alike stays silent."""

import pytest

from clinical.codes import Coding
from rules.form_check import check_form
from rules.forms import CodeLine, ValueSetForm
from rules.knowledge import Knowledge
from rules.load import read_files

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
