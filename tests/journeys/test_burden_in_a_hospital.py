"""The burden counts what a hospital would see: the same years told to a real one, with a pharmacist who settles all."""

from datetime import timedelta

from history.choices import Site
from ivigilant.knowledge.burden import Year, judged
from synthetic.population import YEAR, PatientYear, years
from synthetic.wire import post
from tests.journeys.hospital import Hospital
from tests.journeys.pharmacist import Pharmacist, pharmacist_of
from tests.knowledge_folders import our_knowledge

PATIENTS = 6
Said = list[tuple[str, bool]]


def lived(hospital: Hospital, pharmacist: Pharmacist, patient: PatientYear) -> Said:
    """Tell the year message by message; give for each order whether an alert was ever open for it.

    Each is settled at once: also one that opens later, because the patient has a new risk before the order starts.
    """
    said = dict.fromkeys(patient.orders, False)
    for at, (sent, draft) in enumerate(patient.told):
        hospital.clock.passes(seconds=(sent - hospital.clock()).total_seconds())
        hospital.sends(post(draft, f"{patient.orders[0]}{at}", sent))
        if draft is last_of(patient, sent):
            for number in {number for number, _, _ in hospital.inbox()} & said.keys():  # no earlier course
                said[number] = True
                pharmacist.acknowledges(number)
    return list(said.items())


def last_of(patient: PatientYear, sent: object) -> object:
    return [draft for at, draft in patient.told if at == sent][-1]


def counted(year: Year, patient: PatientYear) -> Said:
    return [(number, answer.said) for number, answer in zip(patient.orders, year.answers, strict=True)]


def test_a_hospital_says_of_these_years_what_the_burden_counts(hospital: Hospital) -> None:
    begins = hospital.clock()
    people = list(years(begins + (YEAR + 1) * timedelta(days=1), PATIENTS))
    knowledge = our_knowledge()
    counts = [counted(judged(patient, knowledge, Site()), patient) for patient in people]

    with pharmacist_of(hospital) as pharmacist:
        found = []
        for patient in people:
            hospital.clock.passes(seconds=(begins - hospital.clock()).total_seconds())
            found.append(lived(hospital, pharmacist, patient))

    assert found == counts
    assert any(said for each in counts for _, said in each)
    assert any(not said for each in counts for _, said in each)
