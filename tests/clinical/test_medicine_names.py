"""A medicine is named as people do: without strength and form, and with all of its name."""

import pytest

from clinical.medicine_names import without_form


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("WARFARINE TABLET 5MG", "warfarine"),
        ("NATRIUM HEPARINE 5000IE/ML", "natrium heparine"),
        ("UNFRACTIONATED HEPARIN", "unfractionated heparin"),
        ("ACETYLSALICYLIC ACID TABL. 80MG", "acetylsalicylic acid"),
        ("VITAMINE K ANTAGONIST", "vitamine K antagonist"),
        ("DABIGATRAN ETEXILAAT CAPS 150MG", "dabigatran etexilaat"),
        ("IMMUNOGLOBULINE, HUMAAN INFVLST 100MG/ML", "immunoglobuline, humaan"),
        ("IMMUNOGLOBULINE, INFVLST 100MG/ML", "immunoglobuline"),
        ("ASA 80MG", "ASA"),
        ("Fraxiparine 0,6 ml", "Fraxiparine 0,6 ml"),
        ("", ""),
    ],
)
def test_a_name_loses_its_form_and_none_of_itself(sent: str, name: str) -> None:
    assert without_form(sent) == name
