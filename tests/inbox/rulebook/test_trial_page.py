"""What rules on trial found, judged by people who do not see the answer that was given."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
import sqlalchemy as sa

from ivigilant.knowledge.review import on_trial, trial_as_json, trial_in_words
from rules.knowledge import Knowledge
from store import tables
from store.engine import reading
from tests.inbox.builders import NOW, a_conclusion, a_person, the_lines
from tests.inbox.sites import Client, Site, form, sign_in

RULE, TITLES = "IG-VTE-001", {"IG-VTE-001": "Earlier thrombosis"}


@pytest.fixture
def trial_site(one_site: Site, knowledge: Knowledge) -> Site:
    """An inbox with a rule on trial, that held for two orders of two patients; each has a live answer."""
    rules = tuple(
        replace(rule, form=rule.form.model_copy(update={"status": "trial"})) if rule.id == RULE else rule
        for rule in knowledge.rules
    )
    one_site.knowledge = replace(knowledge, rules=rules)
    for number in ("900001", "900002"):
        with one_site.engine.begin() as connection:
            patient = a_person(connection, number, f"9999000{number[-1]}8")
        one_site.with_case(patient=patient, number=number, told=a_conclusion())
    return one_site


@pytest.fixture
def trial_client(trial_site: Site) -> Iterator[Client]:
    """The browser of Els, a pharmacist."""
    trial_site.add_user("els")
    with trial_site.client() as client:
        yield sign_in(client, "els")


def judge(client: Client, order: int, verdict: str, rule: str = RULE) -> int:
    answer = client.post(f"/rules/trial/{rule}/{order}", data=form(client, verdict=verdict), follow_redirects=False)
    return answer.status_code


def orders(site: Site) -> list[int]:
    with reading(site.engine) as connection:
        return sorted(connection.scalars(sa.text("SELECT id FROM medication_order")))


def test_the_findings_are_shown_without_what_was_answered(trial_client: Client) -> None:
    shown = trial_client.get("/rules/trial").text

    assert "900001" in shown and "900002" in shown
    assert "I80.2" in shown
    assert "Still to judge: 2." in shown
    answered = ("/patients/", "/alerts/", "tier-", "Confirm the history", "Show the answer")
    assert not [words for words in answered if words in shown]


def test_a_verdict_is_kept_with_its_reviewer_and_only_then_leads_to_the_answer(
    trial_client: Client, trial_site: Site
) -> None:
    first, _ = orders(trial_site)

    status = judge(trial_client, first, "right")
    shown = trial_client.get("/rules/trial").text

    assert status == 303
    assert "Still to judge: 1." in shown
    assert shown.count("Show the answer") == 1
    line = next(each for each in reversed(the_lines(trial_site.engine)) if each.action == "judge_trial")
    assert (line.actor, line.object) == ("els", f"trial {RULE} order {first}: right")
    with reading(trial_site.engine) as connection:
        rows = list(connection.execute(sa.text("SELECT order_id, rule, reviewer, verdict FROM trial_verdict")))
    assert [tuple(row) for row in rows] == [(first, RULE, "els", "right")]


def test_who_judged_all_sees_the_count_of_everybody_and_who_did_not_sees_none(
    trial_client: Client, trial_site: Site
) -> None:
    first, second = orders(trial_site)
    judge(trial_client, first, "wrong")
    judge(trial_client, first, "right")  # a second thought, which does not count

    before = trial_client.get("/rules/trial").text
    judge(trial_client, second, "wrong")
    after = trial_client.get("/rules/trial").text

    assert "Of all reviewers" not in before
    assert "useful in 0 of 2 (0 to 66 %, 95 % limits), unsure or not agreed on in 0" in after
    assert after.count("Changed later. Your first verdict counts: No.") == 1
    assert after.count('value="right" aria-pressed="true"') == 1


@pytest.mark.parametrize("opened", ["/alerts/1", "/patients/1"])
def test_a_verdict_of_who_opened_the_answer_is_kept_and_marked_and_not_counted(
    trial_client: Client, trial_site: Site, opened: str
) -> None:
    first, second = orders(trial_site)
    looked = trial_client.get(opened)

    judge(trial_client, first, "right")
    judge(trial_client, second, "right")  # of another patient
    shown = trial_client.get("/rules/trial").text
    with reading(trial_site.engine) as connection:
        found = on_trial(connection, TITLES)

    assert looked.status_code == 200
    assert shown.count("Not counted: you had opened an alert or the page of this patient before.") == 1
    assert "useful in 1 of 1" in shown
    assert "because the answer had been opened before: 1." in shown
    assert found[0].verdicts == (1, 0, 0, 1)
    assert "left out, because the reviewer had opened the answer: 1" in trial_in_words(found)


def test_a_verdict_is_blind_whatever_somebody_else_opened(trial_client: Client, trial_site: Site) -> None:
    first, _ = orders(trial_site)
    looked = trial_client.get("/api/v1/alerts/1", headers=trial_site.token(name="rik"))

    judge(trial_client, first, "right")

    assert looked.status_code == 200
    assert "Not counted" not in trial_client.get("/rules/trial").text


def test_a_verdict_is_blind_whatever_was_opened_before_the_order_was_answered(
    trial_client: Client, trial_site: Site
) -> None:
    first, _ = orders(trial_site)
    trial_client.get("/patients/1")
    with trial_site.engine.begin() as connection:
        connection.execute(sa.update(tables.assessment).values(concluded_at=NOW + timedelta(hours=1)))

    judge(trial_client, first, "right")

    assert "Not counted" not in trial_client.get("/rules/trial").text


def test_reviewers_who_disagree_leave_a_finding_unsure_and_do_not_see_each_other(
    trial_client: Client, trial_site: Site
) -> None:
    first, _ = orders(trial_site)
    judge(trial_client, first, "right")
    trial_site.add_user("jan")

    with trial_site.client() as client:
        other = sign_in(client, "jan")
        seen = other.get("/rules/trial").text
        judge(other, first, "wrong")
    with reading(trial_site.engine) as connection:
        found = on_trial(connection, TITLES)

    assert "Still to judge: 2." in seen
    assert 'aria-pressed="true"' not in seen
    assert found[0].verdicts == (0, 0, 1, 0)


def test_the_review_counts_the_verdicts_with_their_limits(trial_client: Client, trial_site: Site) -> None:
    for order in orders(trial_site):
        judge(trial_client, order, "right")

    with reading(trial_site.engine) as connection:
        found = on_trial(connection, TITLES)

    assert "judged right: 2 of 2 (100%, 34% to 100%); unsure: 0" in trial_in_words(found)
    assert '"share_right": {\n    "count": 2,\n    "of": 2' in trial_as_json(found)


@pytest.mark.parametrize(("rule", "verdict", "status"), [(RULE, "perhaps", 400), ("IG-VTE-002", "right", 404)])
def test_no_other_verdict_and_no_rule_that_is_live_is_judged(
    trial_client: Client, trial_site: Site, rule: str, verdict: str, status: int
) -> None:
    first, _ = orders(trial_site)

    assert judge(trial_client, first, verdict, rule) == status
    assert judge(trial_client, 0, "right") == 404


def test_the_rule_book_leads_to_it_only_while_a_rule_is_on_trial(trial_client: Client, one_site: Site) -> None:
    during = trial_client.get("/rules").text
    one_site.knowledge = replace(one_site.knowledge, rules=())
    with one_site.client() as client:
        after = sign_in(client, "els").get("/rules").text
        page = client.get("/rules/trial").text

    assert "1 rule is on trial: judge what it finds" in during
    assert "/rules/trial" not in after
    assert "No rule is on trial." in page
