"""Free text: a thrombosis that is denied, suspected, past or somebody else's is not one of today."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.knowledge import Knowledge
from rules.spelling import Spelling

VTE, PAST = "venous-thromboembolism", "venous-thromboembolism-history"


@pytest.mark.parametrize(
    ("text", "name", "certainty"),
    [
        ("longembolie", VTE, "confirmed"),
        ("DVT linker been", VTE, "confirmed"),
        ("longembolieën beiderzijds", VTE, "confirmed"),
        ("deep venous thrombosis", VTE, "confirmed"),
        ("trombose been links", VTE, "confirmed"),
        ("Nieuw vastgestelde trombose", VTE, "confirmed"),
        ("geen DVT", VTE, "refuted"),
        ("longembolie uitgesloten op CT", VTE, "refuted"),
        ("PE ruled out", VTE, "refuted"),
        ("no evidence of deep vein thrombosis", VTE, "refuted"),
        ("verdenking DVT", VTE, "suspected"),
        ("DVT?", VTE, "suspected"),
        ("possible PE", VTE, "suspected"),
        ("vader trombosebeen", VTE, "family"),
        ("mother had a blood clot", VTE, "family"),
        ("status na longembolie", PAST, "confirmed"),
        ("DVT in 2012", PAST, "confirmed"),
        ("history of pulmonary embolism", PAST, "confirmed"),
        ("bedlegerig", "immobility", "confirmed"),
        ("niet bedlegerig", "immobility", "refuted"),
        ("DVT linkerbeen zonder longembolie", VTE, "confirmed"),
        ("geen recidief longembolie", VTE, "confirmed"),
        ("no new DVT", VTE, "confirmed"),
        ("geen antistolling meer na DVT", VTE, "confirmed"),
        ("DVT been niet behandeld", VTE, "confirmed"),
        ("no longer on warfarin for DVT", VTE, "confirmed"),
        ("geen apixaban meer voor DVT", VTE, "confirmed"),
        ("DVT ontkend", VTE, "refuted"),
        ("onbekend met DVT", VTE, "refuted"),
        ("susp. DVT", VTE, "suspected"),
        ("fam. anamnese: DVT", VTE, "family"),
        ("longembolie met famotidine als maagbescherming", VTE, "confirmed"),
        ("DVT negatief", VTE, "refuted"),
        ("longembolie niet aangetoond", VTE, "refuted"),
        ("geen aanwijzingen voor longembolie", VTE, "refuted"),
        ("trombose vena jugularis", VTE, "confirmed"),
        ("thrombus in the femoral vein", VTE, "confirmed"),
        ("portal vein thrombosis", VTE, "confirmed"),
        ("poortadertrombose", VTE, "confirmed"),
        ("Budd-Chiari", VTE, "confirmed"),
        ("DVT 2015 waarvoor trombose profylaxe", PAST, "confirmed"),
        ("pre-eclampsie in 2010 en longembolie", PAST, "confirmed"),
        ("tante had longembolie", VTE, "family"),
        ("zus met DVT", "family-history-of-thrombosis", "family"),
        ("oppervlakkige tromboflebitis", "superficial-thrombophlebitis", "confirmed"),
        ("superficial vein thrombosis", "superficial-thrombophlebitis", "confirmed"),
        ("jugularislijn links", "central-line", "confirmed"),
        ("jugularis katheter", "central-line", "confirmed"),
        ("subclavian line", "central-line", "confirmed"),
        ("line in the right jugular", "central-line", "confirmed"),
        ("centraal veneuze katheter", "central-line", "confirmed"),
        ("PICC rechterarm", "central-line", "confirmed"),
        ("PAC in situ", "central-line", "confirmed"),
        ("geen centrale lijn", "central-line", "refuted"),
        ("lange vlucht vorige week", "air-travel", "confirmed"),
        ("immobilisatie been", "immobility", "confirmed"),
        ("duplex been links", "thrombosis-imaging", "confirmed"),
        ("pijn aan het been", "thrombosis-symptoms", "confirmed"),
        ("calf pain", "thrombosis-symptoms", "confirmed"),
        ("niet kortademig", "thrombosis-symptoms", "refuted"),
        ("tiefe Beinvenenthrombose", VTE, "confirmed"),
        ("keine Lungenembolie", VTE, "refuted"),
        ("V.a. Lungenembolie", VTE, "suspected"),
        ("Vater Lungenembolie", VTE, "family"),
        ("embolie pulmonaire", VTE, "confirmed"),
        ("pas de thrombose veineuse profonde", VTE, "refuted"),
        ("trombosis venosa profunda", VTE, "confirmed"),
        ("longinfarct", VTE, "confirmed"),
        ("kuitvenentrombose", VTE, "confirmed"),
        ("trombose van het linkerbeen", VTE, "confirmed"),
        ("clot in the right lung", VTE, "confirmed"),
        ("posttrombotisch syndroom", PAST, "confirmed"),
        ("partner heeft longembolie", VTE, "refuted"),
        ("longembolie bij echtgenoot", VTE, "refuted"),
        ("echtgenote overleden aan longembolie", VTE, "refuted"),
        ("schoonmoeder longembolie", VTE, "refuted"),
        ("partner meldt longembolie", VTE, "confirmed"),
        ("vrouw met longembolie", VTE, "confirmed"),
        ("grandmother had DVT", VTE, "family"),
        ("halfzus met DVT", VTE, "family"),
        ("dochter meldt longembolie", VTE, "confirmed"),
        ("longembolie na geboorte dochter", VTE, "confirmed"),
        ("vermoeden van DVT", VTE, "suspected"),
        ("longembolie niet uitgesloten", VTE, "suspected"),
        ("PE cannot be ruled out", VTE, "suspected"),
        ("History of DVT: No", VTE, "refuted"),
        ("trombose in VG: geen", VTE, "refuted"),
        ("geen restklachten van longembolie", VTE, "confirmed"),
        ("longembolie 10 jaar geleden", PAST, "confirmed"),
        ("st. na longembolie", PAST, "confirmed"),
        ("status na longembolie 3 weken geleden", VTE, "confirmed"),
        ("factor V Leiden heterozygoot", "thrombophilia", "confirmed"),
        ("proteïne C-deficiëntie", "thrombophilia", "confirmed"),
        ("geen trombofilie", "thrombophilia", "refuted"),
        ("antifosfolipiden antistoffen negatief", "thrombophilia", "refuted"),
        ("DVT versus erysipelas", VTE, "suspected"),
        ("cavafilter in situ", "venous-thromboembolism-possible", "confirmed"),
        ("ziekte van Waldenström", "hyperviscosity", "confirmed"),
        ("herseninfarct 2019", "arterial-thrombosis", "confirmed"),
        ("vader herseninfarct", "arterial-thrombosis", "family"),
        ("BMI 31,2", "obesity", "confirmed"),
        ("mammacarcinoom", "malignancy", "confirmed"),
        ("hartfalen", "heart-failure", "confirmed"),
        ("m. Crohn", "inflammatory-bowel-disease", "confirmed"),
        ("reumatoïde artritis", "inflammatory-rheumatic-disease", "confirmed"),
        ("rookt 10 sigaretten per dag", "smoking", "confirmed"),
        ("chronische nierschade G3", "renal-insufficiency", "confirmed"),
        ("gedehydreerd", "dehydration", "confirmed"),
        ("DM2", "cardiovascular-risk", "confirmed"),
        ("zwanger", "pregnancy", "confirmed"),
        ("kraambed", "pregnancy-puerperium", "confirmed"),
        ("dikke rechterarm", "thrombosis-symptoms", "confirmed"),
    ],
)
def test_a_mention_has_the_certainty_of_its_words(knowledge: Knowledge, text: str, name: str, certainty: str) -> None:
    assert (name, certainty) in knowledge.terms.words.mentions(text)


@pytest.mark.parametrize(
    "text",
    [
        "pre-eclampsie (PE)",
        "preeclampsie PE",
        "hypertensie",
        "arteriële trombose",
        "trombosedienst",
        "",
        "spe",
        "opera",
    ],
)
def test_other_words_mention_no_thrombosis(knowledge: Knowledge, text: str) -> None:
    certain = {name for name, certainty in knowledge.terms.words.mentions(text) if certainty == "confirmed"}

    assert not certain & {VTE, PAST}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("vena jugularis interna", "central-line"),
        ("trombose vena jugularis", "central-line"),
        ("subclavia stenose", "central-line"),
        ("PICC verwijderd", "central-line"),
        ("central line removed", "central-line"),
        ("PAC op ECG", "central-line"),
        ("flight of ideas", "air-travel"),
        ("immobilisatie pols", "immobility"),
        ("knie-immobilizer", "immobility"),
        ("vader trombocytopenie", "family-history-of-thrombosis"),
        ("mother buys clothing", "family-history-of-thrombosis"),
        ("famotidine bij trombose", "family-history-of-thrombosis"),
        ("operatie afgezegd", "surgery"),
        ("operatie gepland", "surgery"),
        ("duplex arterieel benen", "thrombosis-imaging"),
        ("duplex shunt arm", "thrombosis-imaging"),
        ("DVT-profylaxe", VTE),
        ("DVT prophylaxis", VTE),
        ("profylaxe tegen diep veneuze trombose", VTE),
        ("risk of deep vein thrombosis", VTE),
        ("arteriële trombose been", VTE),
        ("arterial_thrombosis", VTE),
        ("trombose profylaxe", "venous-thromboembolism-possible"),
        ("risico op trombose", "venous-thromboembolism-possible"),
        ("in-stent trombose", "venous-thromboembolism-possible"),
        ("hemorroïd trombose", "venous-thromboembolism-possible"),
        ("superficial vein thrombosis", "venous-thromboembolism-possible"),
        ("retinal vein thrombosis", "venous-thromboembolism-possible"),
        ("diepe tromboflebitis", "superficial-thrombophlebitis"),
        ("oppervlakkige venentrombose", VTE),
        ("retinale veneuze trombose", VTE),
        ("bloedstolsel in urine", VTE),
        ("TVT-plaatsing", VTE),
        ("TVP tricuspidalisklep", VTE),
        ("pulmonale hypertensie", "cardiovascular-risk"),
        ("diabetes insipidus", "cardiovascular-risk"),
        ("gestopt met roken", "smoking"),
        ("screening mammacarcinoom", "malignancy"),
        ("basaalcelcarcinoom", "malignancy"),
        ("kinderwens, nooit eerdere zwangerschap", "pregnancy"),
        ("no CVA tenderness", "arterial-thrombosis"),
        ("BMI 28,5", "obesity"),
        ("Wells score DVT 1", VTE),
        ("alarmsymptomen DVT/PE besproken", VTE),
        ("trombofilie onderzoek ingezet", "thrombophilia"),
        ("stroke volume", "arterial-thrombosis"),
        ("estrogen receptor positive", "oestrogen"),
    ],
)
def test_look_alikes_are_no_mention(knowledge: Knowledge, text: str, name: str) -> None:
    assert name not in {name for name, _ in knowledge.terms.words.mentions(text)}


def test_of_two_clauses_the_surer_one_counts(knowledge: Knowledge) -> None:
    assert knowledge.terms.words.surest("geen DVT, wel longembolie")[VTE] == "confirmed"


def test_every_clause_is_read_by_itself(knowledge: Knowledge) -> None:
    mentions = knowledge.terms.words.mentions("geen DVT, wel longembolie")

    assert set(mentions) >= {(VTE, "refuted"), (VTE, "confirmed")}


@pytest.mark.parametrize(
    ("text", "positive"),
    [
        ("heterozygoot", True), ("homozygous", True), ("positief", True), ("POSITIVE", True), ("aantoonbaar", True),
        ("negatief", False), ("niet aantoonbaar", False), ("wild type", False), ("geen mutatie", False), ("", False),
    ],
)  # fmt: skip  # a list of results
def test_a_result_in_words_is_positive_or_not(knowledge: Knowledge, text: str, positive: bool) -> None:
    assert knowledge.terms.words.is_positive(text) is positive


@given(st.text(alphabet="DVTPELgen .,;:?-/()maroé\n", max_size=80))
def test_any_text_is_read(knowledge: Knowledge, text: str) -> None:
    certain = {certainty for _, certainty in knowledge.terms.words.mentions(text)}

    assert certain <= {"confirmed", "suspected", "family", "refuted"}


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("longembloie", "longembolie"),
        ("thombosis", "thrombosis"),
        ("lungenemboli", "lungenemboli"),
        ("TROMBSE", "trombose"),
        ("trombocytopenie", "trombocytopenie"),
        ("symbolie", "symbolie"),
        ("pulmonair", "pulmonaire"),
    ],
)
def test_one_slip_in_a_long_word_is_read_over(written: str, meant: str) -> None:
    spelling = Spelling(["longembolie", "thrombosis", "trombose", "pulmonaire"])

    assert spelling.mended(written) == meant


@pytest.mark.parametrize(
    "text",
    [
        "Longcarcinoom stadium IV, status na lobectomie 2016",
        "Mammacarcinoom met botmetastasen, status na mastectomie 2015",
        "breast cancer with bone metastases, not cured, s/p mastectomy in 2015",
        "Mammakarzinom mit Knochenmetastasen, Z. n. Mastektomie 2015",
        "cancer du sein métastatique, mastectomie en 2015",
        "Recidief lymfoom na eerdere remissie",
        "Longcarcinoom stadium IV, behandeld met pembrolizumab sinds 2019",
        "Mammacarcinoom 2015. Nu mammacarcinoom met botmetastasen",
        "lymfoom, no longer in remission",
        "AML, never achieved remission",
        "Lymfoom, remissie niet bereikt",
        "Hodgkin als kind, niet genezen",
        "Mammacarcinoom, niet curatief behandeld",
        "Longcarcinoom, in het verleden appendectomie",
        "Longcarcinoom, VG: appendectomie",
        "Longcarcinoom met depressie in remissie",
        "status na appendectomie longcarcinoom",
    ],
)
def test_a_cancer_of_today_is_not_over_and_no_year_dates_it(knowledge: Knowledge, text: str) -> None:
    words = knowledge.terms.words

    assert ("malignancy", "confirmed") in words.mentions(text)
    assert "malignancy-history" not in dict(words.mentions(text))
    assert words.years(text).keys() <= {"surgery"}  # the operation has a year, the cancer has none


@pytest.mark.parametrize(
    "text",
    [
        "VG: mammacarcinoom",
        "history of breast cancer",
        "Z. n. Mammakarzinom",
        "antécédent de cancer du sein",
        "Genezen mammacarcinoom",
        "Hodgkin als kind, genezen",
        "Mammacarcinoom 2001, in remissie, geen recidief",
        "Lymphome en rémission",
        "AML, CR1",
    ],
)
def test_a_cancer_of_which_its_own_clause_or_the_next_says_so_is_over(knowledge: Knowledge, text: str) -> None:
    assert knowledge.terms.words.mentions(text) == (("malignancy-history", "confirmed"),)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Herseninfarct, bekend met atriumfibrilleren sinds 2018", "arterial-event-after-infusion"),
        ("NSTEMI, CABG 2015", "arterial-event-after-infusion"),
        ("Heupfractuur rechts, DM2 sinds 2005", "leg-trauma"),
        ("Bekend met ITP (2012), nu neusbloeding en bloedblaren.", "mucosal-bleeding"),
        ("postoperatief dag 3, knieprothese 2015 contralateraal", "surgery"),
        ("POD 2, TKP 2015 left", "surgery"),
        ("Longcarcinoom, DM2 sinds 2005", "malignancy"),
        ("Maagbloeding, bekend met AF sinds 2012", "bleeding"),
        ("Melaena vandaag, ulcus 2010", "bleeding"),
    ],
)
def test_the_year_of_something_else_dates_no_event_of_today(knowledge: Knowledge, text: str, name: str) -> None:
    words = knowledge.terms.words

    assert (name, "confirmed") in words.mentions(text)
    assert name not in words.years(text)


@pytest.mark.parametrize(
    ("text", "name", "year"),
    [
        ("heupprothese 2015", "surgery", 2015),
        ("Heupfractuur (2015)", "leg-trauma", 2015),
        ("sepsis 2019", "sepsis", 2019),
        ("25 jaar geleden heupprothese", "surgery", -25),
        ("Maagbloeding in 2012", "bleeding", 2012),
        ("In 2012, maagbloeding", "bleeding", 2012),
        ("mammacarcinoom links (2001)", "malignancy", 2001),
    ],
)
def test_its_own_year_dates_an_event(knowledge: Knowledge, text: str, name: str, year: int) -> None:
    assert knowledge.terms.words.years(text)[name] == year
