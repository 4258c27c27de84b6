"""What a text says of a thrombosis."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsers.chart.certainty import certainty_of


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("geen DVT", "refuted"),
        ("PE uitgesloten", "refuted"),
        ("moeder DVT", "family"),
        ("halfzus met DVT", "family"),
        ("unprovoked PE, no malignancy found", "confirmed"),
        ("PE: no evidence on CT", "refuted"),
        ("DVT: no", "refuted"),
        ("dochter meldt longembolie", "confirmed"),
        ("volgens de zoon longembolie", "confirmed"),
        ("longembolie na geboorte dochter", "confirmed"),
        ("DVT after birth of son", "confirmed"),
        ("verdenking longembolie", "suspected"),
        ("DVT been", "confirmed"),
        ("geen DVT, wel longembolie", "confirmed"),
        ("geen DVT, longembolie", "refuted"),
        ("geen koorts, DVT rechts", "confirmed"),
        ("geen DVT of PE", "refuted"),
        ("DVT en PE uitgesloten", "refuted"),
        ("DVT 2012 en PE uitgesloten", "confirmed"),
        ("DVT links uitgesloten; DVT rechts bevestigd", "confirmed"),
        ("geen antistolling meer na DVT 2018", "confirmed"),
        ("geen recidief longembolie", "confirmed"),
        ("no new DVT", "confirmed"),
        ("DVT niet uitgesloten", "suspected"),
        ("PE kan niet worden uitgesloten", "suspected"),
        ("PE cannot be ruled out", "suspected"),
        ("verdenking DVT, niet bevestigd", "refuted"),
        ("verdenking DVT, uitgesloten", "refuted"),
        ("verdenking DVT bevestigd met echo", "confirmed"),
        ("vader geen DVT", "refuted"),
        ("Geen familieanamnese voor DVT", "refuted"),
        ("DVT bij moeder", "family"),
        ("DVT?", "suspected"),
        ("? PE", "suspected"),
        ("DVT: nee", "refuted"),
        ("No evidence of deep vein thrombosis", "refuted"),
        ("history of pulmonary embolism", "confirmed"),
        ("family history of DVT", "family"),
        ("CT-thorax: geen aanwijzingen voor longembolie.", "refuted"),
        ("Patient denies DVT, PE", "refuted"),
        ("niet bekend met DVT", "refuted"),
        ("mogelijk longembolie", "suspected"),
        ("geen DVT bij bekende longembolie 2019", "confirmed"),
        ("trombocytopenie", "confirmed"),
        ("geen trombocytopenie", "refuted"),
        ("tromboseprofylaxe", "unknown"),
        ("Pulmonary embolism without mention of acute cor pulmonale", "confirmed"),
        ("DVT without PE", "confirmed"),
        ("longembolie onwaarschijnlijk", "refuted"),
        ("DVT (vader)", "family"),
        ("Zus en broer longembolie", "family"),
        ("doorgemaakte DVT been rechts, moeder ook", "confirmed"),
        ("rule out DVT", "suspected"),
        ("r/o PE", "suspected"),
        ("PE ruled out", "refuted"),
        ("DVT niet aangetoond", "refuted"),
        ("status na DVT 2012", "confirmed"),
        ("geen aanwijzingen voor DVT. Wel longembolie rechts.", "confirmed"),
        ("verdenking i.v.m. DVT", "suspected"),
        ("sinds DVT geen klachten meer", "confirmed"),
        ("DVT, geen klachten", "confirmed"),
        ("longembolie zonder rechtsbelasting", "confirmed"),
        ("DVT waarvoor geen antistolling", "confirmed"),
        ("", "unknown"),
        ("Familieanamnese: vader longembolie, zelf nooit DVT", "family"),
        ("Verdenking DVT; echo: DVT v. poplitea rechts aangetoond", "confirmed"),
        ("CT: geen longembolie. Wel pneumonie.", "refuted"),
        ("no DVT but PE confirmed", "confirmed"),
        ("not only DVT but PE", "confirmed"),
        ("PE unlikely", "refuted"),
        ("suspected PE, not confirmed", "refuted"),
        ("DVT (-)", "refuted"),
        ("without signs of thrombosis", "refuted"),
    ],
)
def test_a_text_is_as_certain_as_a_reader_would_be(text: str, certainty: str) -> None:
    assert certainty_of(text) == certainty


def test_another_subject_may_be_asked_about() -> None:
    assert certainty_of("geen zwangerschap, wel DVT", about=re.compile("zwangerschap")) == "refuted"


@given(st.text(alphabet="DVTPE geen.,;?-/maarno\n", max_size=60))
def test_any_text_has_a_certainty(text: str) -> None:
    assert certainty_of(text) in ("confirmed", "suspected", "refuted", "family", "unknown")
