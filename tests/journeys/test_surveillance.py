"""What comes after the infusion: a thrombosis, a symptom, an examination; told, corrected, withdrawn, settled."""

from datetime import timedelta
from typing import Any

import pytest

from synthetic.stream import expected, hospital_messages
from tests.inbox.sites import Site, form, sign_in
from tests.journeys.hospital import Hospital
from tests.journeys.pharmacist import Pharmacist, pharmacist_of
from tests.journeys.stories import FIRST_DAY, Controlled, Diagnosed, Given, Ordered, Problem, Seen

EVENTS = [answer for answer in expected() if answer.stream == "pharmacovigilance"]
EARLIER = {"910402", "910602", "911902"}  # earlier orders of S13, S14 and S47: their thrombosis is a case of its own
DAY = 24
ORDERED, GIVEN = Ordered(at=1, starts=2), Given(at=6, started=2)
CLOTTED = Diagnosed(at=6 * DAY, on=5 * DAY, number="D1", code="I26.9")
DOCTOR_YES = {"1": "yes", "2": "yes", "3": "unknown", "4": "no", "5": "no"} | dict.fromkeys("678", "unknown")

Json = dict[str, Any]


@pytest.fixture
def told(hospital: Hospital) -> Hospital:
    ids = hospital.receives(*hospital_messages(now=hospital.clock()))
    for start in range(0, len(ids), 100):
        hospital.processes(ids[start : start + 100])
    return hospital


@pytest.fixture
def ward(hospital: Hospital) -> Hospital:
    """A hospital whose clock stands soon after the stories."""
    hospital.clock.now = FIRST_DAY + timedelta(days=12)
    return hospital


def case_of(pharmacist: Pharmacist, order: str = "100") -> Json:
    return next(alert for alert in pharmacist.alerts(order) if alert["stream"] == "pharmacovigilance")


def post(pharmacist: Pharmacist, alert: Json, what: str, told: Json) -> int:
    path = f"/api/v1/alerts/{alert['id']}/{what}"
    return int(pharmacist.client.post(path, json=told, headers=pharmacist.headers).status_code)


def report(pharmacist: Pharmacist, alert: Json) -> Json:
    answer = pharmacist.client.get(f"/api/v1/alerts/{alert['id']}/report", headers=pharmacist.headers)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found


def test_every_thrombosis_of_the_case_reports_becomes_a_case_and_no_other_order_does(told: Hospital) -> None:
    cases = {number: tier for number, tier, _ in told.inbox("pharmacovigilance")}

    assert cases == {answer.order: answer.tier for answer in EVENTS} | dict.fromkeys(EARLIER, "high")


def test_emerson_2b_and_paran_2_score_as_worked_out_by_hand(told: Hospital) -> None:
    with pharmacist_of(told) as pharmacist:
        emerson = report(pharmacist, case_of(pharmacist, "911101"))["causality"]
        paran = report(pharmacist, case_of(pharmacist, "910201"))["causality"]

    assert (emerson["score"], emerson["band"], emerson["confirmed_by"]) == (6, "probable", None)
    assert (paran["score"], paran["band"]) == (3, "possible")


def test_butler_is_urgent_while_the_weekly_scheme_goes_on_and_emerson_1_is_not_once_it_was_stopped(
    told: Hospital,
) -> None:
    priorities = {number: priority for number, _, priority in told.inbox("pharmacovigilance")}

    assert (priorities["910601"], priorities["910801"]) == ("urgent", "prompt")


def test_a_case_outlives_its_order(ward: Hospital) -> None:
    ward.lives_through(ORDERED, GIVEN, CLOTTED, Controlled(control="DC", at=7 * DAY))

    assert ward.inbox() == []
    assert ward.inbox("pharmacovigilance") == [("100", "high", "prompt")]


def test_a_diagnosis_that_is_taken_back_closes_its_case(ward: Hospital) -> None:
    ward.lives_through(
        ORDERED, GIVEN, CLOTTED, Diagnosed(at=7 * DAY, on=5 * DAY, number="D1", code="I26.9", action="D")
    )

    assert ward.inbox("pharmacovigilance") == []


def test_an_event_belongs_to_the_order_of_the_last_dose_also_when_that_dose_is_told_late(ward: Hospital) -> None:
    later = (Ordered(number="200", at=3 * DAY, starts=4 * DAY), Given(number="200", at=4 * DAY, started=4 * DAY))
    ward.lives_through(ORDERED, GIVEN, CLOTTED)
    before = ward.inbox("pharmacovigilance")

    ward.lives_through(ORDERED, GIVEN, CLOTTED, *later)

    assert (before, ward.inbox("pharmacovigilance")) == ([("100", "high", "prompt")], [("200", "high", "prompt")])


def test_more_ivig_that_is_planned_makes_it_urgent(ward: Hospital) -> None:
    ward.lives_through(ORDERED, GIVEN, CLOTTED, Ordered(number="200", at=7 * DAY, starts=8 * DAY))

    assert ward.inbox("pharmacovigilance") == [("100", "high", "urgent")]


def test_a_symptom_is_a_case_and_a_settled_case_speaks_again_when_it_is_found_to_be_a_thrombosis(
    ward: Hospital,
) -> None:
    ward.lives_through(ORDERED, GIVEN, Problem(code="R06.0", onset=3 * DAY, at=3 * DAY))
    with pharmacist_of(ward) as pharmacist:
        symptom = case_of(pharmacist)
        post(pharmacist, symptom, "acknowledge", {"note": "asked the ward"})
        settled = case_of(pharmacist)["status"]

        ward.lives_through(ORDERED, GIVEN, Problem(code="R06.0", onset=3 * DAY, at=3 * DAY), CLOTTED)

        rules = [finding["rule"] for finding in case_of(pharmacist)["findings"]]
    assert ([each["rule"] for each in symptom["findings"]], settled) == (["IG-PV-041"], "acknowledged")
    assert rules == ["IG-PV-040", "IG-PV-041"]
    assert ward.inbox("pharmacovigilance") == [("100", "high", "prompt")]


def test_a_settled_case_settles_no_order_and_a_settled_order_no_case(ward: Hospital) -> None:
    ward.lives_through(Diagnosed(on=-900, at=0), ORDERED, GIVEN)
    with pharmacist_of(ward) as pharmacist:
        pharmacist.acknowledges("100")

        ward.lives_through(Diagnosed(on=-900, at=0), ORDERED, GIVEN, CLOTTED)

    assert ward.inbox("pharmacovigilance") == [("100", "high", "prompt")]


def test_the_next_order_after_a_case_is_a_rechallenge(ward: Hospital) -> None:
    ward.clock.passes(days=160)
    ward.lives_through(ORDERED, GIVEN, CLOTTED, Ordered(number="200", at=150 * DAY, starts=151 * DAY))

    with pharmacist_of(ward) as pharmacist:
        fired = {finding["rule"] for finding in pharmacist.alerts("200")[0]["findings"]}
    assert "IG-VTE-003" in fired


def test_a_pharmacist_confirms_the_answers_and_the_report_says_who(ward: Hospital) -> None:
    ward.lives_through(Seen(), ORDERED, GIVEN, CLOTTED)
    with pharmacist_of(ward) as pharmacist:
        case = case_of(pharmacist)
        incomplete = post(pharmacist, case, "naranjo", {"answers": {"1": "yes"}})
        confirmed = post(
            pharmacist, case, "naranjo", {"answers": DOCTOR_YES | {"9": "no", "10": "yes"}, "note": "seen"}
        )
        found = report(pharmacist, case)

    assert (incomplete, confirmed) == (400, 200)
    causality = found["causality"]
    assert (causality["score"], causality["band"], causality["confirmed_by"]) == (5, "probable", "a pharmacist")
    assert {each["number"]: each["prefilled"] for each in causality["answers"]}[5] == "yes"  # her age
    assert (found["age_group"], found["sex"]) == ("elderly", "F")
    assert [dose["grams"] for dose in found["suspect"]["doses"]] == [[30.0, 30.0]]
    assert found["reactions"][0]["hours_after_last_dose"] == 5 * DAY - 10  # the day begins at midnight
    assert "Aalders" not in str(found)


def test_an_order_has_no_report_and_no_questions(ward: Hospital) -> None:
    ward.lives_through(Diagnosed(on=-900, at=0), ORDERED)
    with pharmacist_of(ward) as pharmacist:
        alert = pharmacist.alerts("100")[0]
        answer = pharmacist.client.get(f"/api/v1/alerts/{alert['id']}/report", headers=pharmacist.headers)
        asked = post(pharmacist, alert, "naranjo", {"answers": DOCTOR_YES | {"9": "no", "10": "yes"}})

    assert (answer.status_code, asked) == (404, 400)


def test_alerts_are_listed_by_stream(ward: Hospital) -> None:
    ward.lives_through(ORDERED, GIVEN, CLOTTED)
    with pharmacist_of(ward) as pharmacist:
        by_stream = {
            stream: [
                alert["stream"]
                for alert in pharmacist.client.get(
                    f"/api/v1/alerts?stream={stream}", headers=pharmacist.headers
                ).json()["items"]
            ]
            for stream in ("order", "pharmacovigilance")
        }

    assert by_stream["pharmacovigilance"] == ["pharmacovigilance"]
    assert set(by_stream["order"]) <= {"order"}


def test_the_page_asks_the_ten_questions_keeps_the_answers_and_prints_the_report(ward: Hospital) -> None:
    ward.lives_through(Seen(), ORDERED, GIVEN, CLOTTED)
    site = Site(ward.engine, ward.knowledge, now=ward.clock())
    site.add_user("els")
    with pharmacist_of(ward) as pharmacist:
        number = case_of(pharmacist)["id"]
    with site.client() as browser:
        sign_in(browser, "els")
        asked = browser.get(f"/alerts/{number}").text
        answers = {f"answer-{item}": reply for item, reply in (DOCTOR_YES | {"9": "no", "10": "yes"}).items()}
        kept = browser.post(f"/alerts/{number}/naranjo", data=form(browser, **answers, note="seen with the team")).text
        printed = browser.get(f"/alerts/{number}/report").text

    assert (asked.count("<fieldset"), asked.count('value="yes" required checked')) >= (10, 3)
    assert "Naranjo 2: possible" in asked  # a code alone is no objective evidence
    assert "before anybody answered" in asked
    assert "confirmed by els" in kept
    assert "seen with the team" in kept
    assert "Naranjo 5: probable" in printed
    assert "Aalders" not in printed
