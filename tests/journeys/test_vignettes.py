"""Published and constructed cases, told in HL7, stand in the inbox with their tier, priority and rules."""

from tests.journeys.hospital import Hospital
from tests.journeys.pharmacist import pharmacist_of
from tests.journeys.vignette_table import PAGE, write_page
from tests.journeys.vignettes import read_vignettes, teller


def test_every_vignette_gets_the_agreed_answer_and_the_page_says_so(hospital: Hospital) -> None:
    cases = read_vignettes()
    with pharmacist_of(hospital) as pharmacist:
        tell = teller(hospital, pharmacist)

        answers = {case.name: tell(case) for case in cases}

    assert answers == {case.name: case.expected for case in cases}
    assert write_page([(case, answers[case.name]) for case in cases]) == PAGE.read_text(encoding="utf-8"), "make docs"
