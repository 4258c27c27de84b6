"""The burden counts what a hospital would see: the same years told to a real one, with a pharmacist who settles all."""

from datetime import timedelta

from history.choices import Site
from ivigilant.knowledge.burden import Year, judged
from rules.load import load_knowledge
from synthetic.population import YEAR, PatientYear, years
from synthetic.wire import post
from tests.journeys.hospital import Hospital
from tests.journeys.pharmacist import Pharmacist, pharmacist_of

PATIENTS = 6
Said = list[tuple[str, bool]]


def lived(hospital: Hospital, pharmacist: Pharmacist, patient: PatientYear) -> Said:
    """Tell the year message by message; give for each order whether an alert was open for it, which is then settled."""
    said: Said = []
    numbers = {order.ordered_at: order.number for order in patient.prescriptions}
    for at, (sent, draft) in enumerate(patient.told):
        hospital.clock.passes(seconds=(sent - hospital.clock()).total_seconds())
        hospital.sends(post(draft, f"{patient.orders[0]}{at}", sent))
        if (number := numbers.get(sent)) is not None and draft is last_of(patient, sent):
            said.append((number, settles(pharmacist, number)))
    return said


def last_of(patient: PatientYear, sent: object) -> object:
    return [draft for at, draft in patient.told if at == sent][-1]


def settles(pharmacist: Pharmacist, number: str) -> bool:
    is_open = any((each["stream"], each["status"]) == ("order", "open") for each in pharmacist.alerts(number))
    if is_open:
        pharmacist.acknowledges(number)
    return is_open


def counted(year: Year, patient: PatientYear) -> Said:
    return [(number, answer.said) for number, answer in zip(patient.orders, year.answers, strict=True)]


def test_a_hospital_says_of_these_years_what_the_burden_counts(hospital: Hospital) -> None:
    begins = hospital.clock()
    people = list(years(begins + (YEAR + 1) * timedelta(days=1), PATIENTS))
    knowledge = load_knowledge()
    counts = [counted(judged(patient, knowledge, Site()), patient) for patient in people]

    with pharmacist_of(hospital) as pharmacist:
        found = []
        for patient in people:
            hospital.clock.passes(seconds=(begins - hospital.clock()).total_seconds())
            found.append(lived(hospital, pharmacist, patient))

    assert found == counts
    assert any(said for each in counts for _, said in each)
    assert any(not said for each in counts for _, said in each)
