"""What rules on trial found, order by order, for a reviewer who does not see the answer that was given."""

from dataclasses import dataclass
from typing import Any, ClassVar

import sqlalchemy as sa
from litestar import Response, get, post
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, URLEncodedBody
from litestar.response import Template

from inbox.acting import Acting, Concerned, Done, carry_out
from inbox.errors import ActRefused, TrialFindingMissing
from inbox.http.api_requests import number_of
from inbox.http.pages import language_of, page, titles_of, to_page
from inbox.http.parts import AnyRequest, parts_of
from inbox.people.access import has_opened_answers, record
from inbox.people.permissions import Permission, needs
from rules.knowledge import Knowledge
from store import assessments, merges, trial_verdicts
from store.assessments import HeldOnTrial
from store.trial_verdicts import VERDICTS, TrialVerdict, VerdictCounts

MOST = 25  # findings of a rule on one page

Form = URLEncodedBody[dict[str, str]]


@dataclass(frozen=True, slots=True)
class TrialRule:
    """A rule on trial: what this reviewer has to judge still, what she judged, and when nothing is left, the count."""

    rule: str
    title: str
    left: int
    to_judge: tuple[HeldOnTrial, ...]
    judged: tuple[tuple[HeldOnTrial, TrialVerdict], ...]
    counts: VerdictCounts | None


@dataclass(frozen=True, slots=True)
class JudgeTrial:
    """Say whether what a rule on trial found would have been worth saying."""

    action: ClassVar[str] = "judge_trial"
    permission: ClassVar[Permission] = Permission.ALERTS_ACT

    order_id: int
    rule: str
    verdict: str

    def concerns(self, _connection: sa.Connection) -> Concerned:
        """Return the finding."""
        return Concerned(self._what)

    @property
    def _what(self) -> str:
        return f"trial {self.rule} order {self.order_id}: {self.verdict}"

    def perform(self, acting: Acting) -> Done[None]:
        """Keep the verdict, of a finding that there is."""
        if self.verdict not in VERDICTS:
            raise ActRefused("verdict", "required")
        held = assessments.held_on_trial(acting.connection, rules_on_trial(acting.knowledge()) & {self.rule})
        found = next((each for each in held if each.order_id == self.order_id), None)
        if found is None:
            raise TrialFindingMissing("this rule on trial holds for no such order")
        is_blind = not _has_seen_answer(acting, found)
        verdict = TrialVerdict(self.order_id, self.rule, acting.actor, self.verdict, acting.now, is_blind)
        trial_verdicts.keep(acting.connection, verdict)
        return Done(None, self._what, (found.patient_id,))


def _has_seen_answer(acting: Acting, found: HeldOnTrial) -> bool:
    """Return whether who acts opened an alert or the page of the patient after the order got its first answer."""
    people = merges.merge_set(acting.connection, {found.patient_id})
    answered_at = assessments.first_answer_at(acting.connection, found.order_id)
    return has_opened_answers(acting.connection, acting.actor, people, since=answered_at)


def rules_on_trial(knowledge: Knowledge) -> frozenset[str]:
    """Return the rules that are judged with the others and not shown."""
    return frozenset(rule.id for rule in knowledge.rules if rule.form.status == "trial")


@get("/rules/trial", opt=needs(Permission.ALERTS_READ), include_in_schema=False, sync_to_thread=True)
def show_trial(request: AnyRequest) -> Template:
    """Show what each rule on trial found, without what was answered."""
    parts, reviewer = parts_of(request), request.user.name
    titles, rules = titles_of(parts.knowledge, language_of(request)), rules_on_trial(parts.knowledge)
    with parts.engine.begin() as connection:
        held = assessments.held_on_trial(connection, rules) if rules else []
        verdicts = trial_verdicts.of_rules(connection, rules) if rules else []
        shown = [_of(rule, titles[rule], held, verdicts, reviewer) for rule in sorted(rules)]
        seen = {one.patient_id for each in shown for one in (*each.to_judge, *(found for found, _ in each.judged))}
        record(connection, request.user, "list_trial", parts.clock(), patients=sorted(seen) or [None])
    return page(request, "trial.html", rules=shown, choices=VERDICTS)


def _of(rule: str, title: str, held: list[HeldOnTrial], verdicts: list[TrialVerdict], reviewer: str) -> TrialRule:
    own = {each.order_id: each for each in verdicts if each.rule == rule and each.reviewer == reviewer}
    mine = [each for each in held if each.rule == rule]
    left = [each for each in mine if each.order_id not in own]
    counts = trial_verdicts.count(each for each in verdicts if each.rule == rule).get(rule, VerdictCounts())
    return TrialRule(
        rule=rule,
        title=title,
        left=len(left),
        to_judge=tuple(left[:MOST]),
        judged=tuple((each, own[each.order_id]) for each in mine if each.order_id in own)[:MOST],
        counts=None if left else counts,
    )


@post(
    "/rules/trial/{rule_id:str}/{order_id:str}",
    opt=needs(Permission.ALERTS_ACT),
    include_in_schema=False,
    sync_to_thread=True,
)
def judge_trial(request: AnyRequest, rule_id: FromPath[str], order_id: FromPath[str], data: Form) -> Response[Any]:
    """Keep a verdict, and show the page again."""
    number = number_of(order_id)
    if number is None:
        raise NotFoundException("there is no such finding")
    carry_out(parts_of(request), request.user, JudgeTrial(number, rule_id, data.get("verdict", "")))
    return to_page(f"/rules/trial#{rule_id}")
