"""Whom an alert is told to, and when again: the policy, through nights, swaps and changes of the clock."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from clinical.words import FoundTier, TierWord
from forwarding.hours import Hours
from forwarding.policy import (
    Situation,
    TellingPolicy,
    chain_for,
    is_last,
    is_told,
    next_moment,
    reached,
    turns_between,
)
from forwarding.policy_sentences import sentences
from forwarding.rota import Rota
from forwarding.wording import words_in

ZONE = ZoneInfo("Europe/Amsterdam")
NOON = datetime(2026, 11, 21, 11, 0, tzinfo=UTC)
SPRING = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)  # 2:00 becomes 3:00
AUTUMN = datetime(2026, 10, 25, 1, 0, tzinfo=UTC)  # 3:00 becomes 2:00

WHOLE = {
    "people": {"jansen": "sms-jansen", "vries": "sms-vries"},
    "roles": {"heads": ["jansen", "vries"]},
    "rotas": {
        "night": {
            "people": ["jansen", "vries"],
            "from": "2026-01-05",
            "days": 7,
            "hand_over": "08:00",
            "swaps": [{"from": "2026-12-24T08:00", "until": "2026-12-25T08:00", "person": "vries"}],
        }
    },
    "chains": [
        {
            "name": "at-night",
            "tiers": ["contraindication"],
            "wards": ["C4*", "IC"],
            "hours": {"from": "17:00", "until": "08:00"},
            "steps": [
                {"rota": "night", "repeat_minutes": 15, "at_most": 3},
                {"role": "heads", "after_minutes": 45},
            ],
        }
    ],
    "quiet_hours": [{"from": "22:00", "until": "07:00", "except": ["contraindication", "high"]}],
}


def a_policy(**changed: Any) -> TellingPolicy:
    return TellingPolicy.model_validate(WHOLE | changed)


def told(policy: TellingPolicy, situation: Situation, until: timedelta) -> list[tuple[int, int]]:
    """The minute and the step of every notice until then, as one who carries them out at once tells them."""
    found: list[tuple[int, int]] = []
    after, at = None, next_moment(policy, situation, None, ZONE)
    while at is not None and at <= situation.began_at + until:
        minute = int((at - situation.began_at).total_seconds()) // 60
        found += [(minute, turn.step) for turn in turns_between(policy, situation, after, at, ZONE)]
        after, at = at, next_moment(policy, situation, at, ZONE)
    return found


def test_without_a_policy_a_contraindication_is_told_every_quarter_until_it_is_taken_on() -> None:
    situation = Situation(NOON, "contraindication")

    assert told(TellingPolicy(), situation, timedelta(minutes=50)) == [(0, 0), (15, 0), (30, 0), (45, 0)]
    assert told(TellingPolicy(), Situation(NOON, "high"), timedelta(hours=17)) == [(0, 0), (480, 0), (960, 0)]


def test_steps_follow_each_other_and_the_last_goes_on() -> None:
    at_night = Situation(datetime(2026, 11, 21, 18, 0, tzinfo=UTC), "contraindication", "C4NEU")

    found = told(a_policy(), at_night, timedelta(minutes=80))

    assert found == [(0, 0), (15, 0), (30, 0), (45, 1), (60, 1), (75, 1)]
    assert is_last(a_policy(), at_night, 1, ZONE)
    assert not is_last(a_policy(), at_night, 0, ZONE)


@pytest.mark.parametrize(
    ("changed", "chain"),
    [
        ({}, "at-night"),
        ({"tier": "high"}, "default"),
        ({"ward": "B2"}, "default"),
        ({"ward": "IC"}, "at-night"),
        ({"channel": "worklist"}, "default"),
        ({"began_at": NOON}, "default"),
        ({"began_at": datetime(2026, 11, 21, 16, 0, tzinfo=UTC)}, "at-night"),
        ({"began_at": datetime(2026, 11, 22, 6, 59, tzinfo=UTC)}, "at-night"),
        ({"began_at": datetime(2026, 11, 22, 7, 0, tzinfo=UTC)}, "default"),
    ],
)
def test_the_first_chain_that_fits_tier_channel_ward_and_hour_counts(changed: dict[str, Any], chain: str) -> None:
    usual: dict[str, Any] = {
        "began_at": datetime(2026, 11, 21, 18, 0, tzinfo=UTC),
        "tier": "contraindication",
        "ward": "C4NEU",
    }

    assert chain_for(a_policy(), Situation(**(usual | changed)), ZONE).name == chain


def test_a_role_has_somebody() -> None:
    with pytest.raises(ValidationError):
        TellingPolicy.model_validate({"roles": {"heads": []}})


def test_an_alert_of_the_worklist_is_told_only_where_a_chain_names_that_channel() -> None:
    chain = {"name": "worklist", "channels": ["worklist"], "steps": [{"everybody": True}]}
    situation = Situation(NOON, "high", channel="worklist")

    assert not is_told(a_policy(), situation, ZONE)
    assert is_told(a_policy(chains=[chain]), situation, ZONE)


def test_what_falls_in_quiet_hours_is_told_once_when_they_end() -> None:
    late = Situation(datetime(2026, 11, 21, 22, 0, tzinfo=UTC), "moderate")  # 23:00 on the ward

    assert next_moment(a_policy(), late, None, ZONE) == datetime(2026, 11, 22, 6, 0, tzinfo=UTC)
    assert next_moment(a_policy(), Situation(late.began_at, "high"), None, ZONE) == late.began_at


SILENCED = {"silence_contraindications": True}


@pytest.mark.parametrize("exceptions", [{}, {"except": []}, {"except": ["high"]}, {"except": ["contraindication"]}])
def test_a_contraindication_is_told_in_quiet_hours_unless_the_site_file_silences_it_by_name(
    exceptions: dict[str, Any],
) -> None:
    night = {"from": "22:00", "until": "07:00"}
    late = Situation(datetime(2026, 11, 21, 22, 0, tzinfo=UTC), "contraindication")

    told = next_moment(a_policy(quiet_hours=[night | exceptions]), late, None, ZONE)
    silenced = next_moment(a_policy(quiet_hours=[night | SILENCED]), late, None, ZONE)

    assert told == late.began_at
    assert silenced == datetime(2026, 11, 22, 6, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("hours", "sentence"),
    [
        ({"except": ["high"]}, "Quiet from 22:00 until 07:00, except for contraindications and high risk: what"),
        ({"except": []}, "Quiet from 22:00 until 07:00, except for contraindications: what"),
        (SILENCED, "Quiet from 22:00 until 07:00: what"),
    ],
)
def test_the_sentence_says_who_is_told_in_quiet_hours(hours: dict[str, Any], sentence: str) -> None:
    policy = a_policy(quiet_hours=[{"from": "22:00", "until": "07:00"} | hours])

    assert any(each.startswith(sentence) for each in sentences(policy, words_in("en").policy, {}, timedelta()))


def test_whoever_was_away_tells_each_step_once_and_not_every_round_that_was_missed() -> None:
    at_night = Situation(datetime(2026, 11, 21, 18, 0, tzinfo=UTC), "contraindication", "C4NEU")
    later = at_night.began_at + timedelta(hours=2)

    turns = turns_between(a_policy(), at_night, at_night.began_at, later, ZONE)

    assert [(turn.step, turn.round) for turn in turns] == [(0, 2), (1, 5)]
    assert next_moment(a_policy(), at_night, later, ZONE) == later + timedelta(minutes=15)


@pytest.mark.parametrize(
    ("at", "person"),
    [
        (datetime(2026, 1, 5, 7, 0, tzinfo=UTC), "jansen"),  # 8:00 in winter
        (datetime(2026, 1, 12, 6, 59, tzinfo=UTC), "jansen"),
        (datetime(2026, 1, 12, 7, 0, tzinfo=UTC), "vries"),
        (datetime(2026, 3, 30, 5, 59, tzinfo=UTC), "vries"),
        (datetime(2026, 3, 30, 6, 0, tzinfo=UTC), "jansen"),  # 8:00 in summer
        (datetime(2026, 12, 24, 6, 59, tzinfo=UTC), "jansen"),
        (datetime(2026, 12, 24, 7, 0, tzinfo=UTC), "vries"),  # swapped
        (datetime(2026, 12, 25, 7, 0, tzinfo=UTC), "jansen"),
    ],
)
def test_the_rota_hands_over_at_the_hour_of_the_ward_also_after_a_change_of_the_clock(
    at: datetime, person: str
) -> None:
    swaps = [{"from": "2026-12-24T08:00", "until": "2026-12-25T08:00", "person": "vries"}]
    rota = Rota.model_validate(WHOLE["rotas"]["night"] | {"swaps": swaps})  # type: ignore[index]  # WHOLE is a plain dict

    assert rota.on_call(at, ZONE) == person


def test_a_step_reaches_people_where_they_can_be_reached() -> None:
    policy = a_policy()
    first, second = policy.chains[0].steps

    assert reached(policy, first, datetime(2026, 1, 6, tzinfo=UTC), ZONE, ()) == ["sms-jansen"]
    assert reached(policy, second, NOON, ZONE, ()) == ["sms-jansen", "sms-vries"]


@pytest.mark.parametrize(
    "part",
    [
        {"chains": [{"name": "a", "steps": [{"everybody": True, "rota": "night"}]}]},
        {"chains": [{"name": "a", "steps": []}]},
        {"chains": [{"name": "a", "steps": [{"everybody": True, "at_most": 2}]}]},
        {"chains": [{"name": "a", "steps": [{"everybody": True}, {"person": "jansen"}]}]},
        {"quiet_hours": [{}]},
        {"quiet_hours": [{"from": "22:00", "until": "07:00", "except": ["contraindication"]} | SILENCED]},
        {"quiet_hours": [{"from": "25:00", "until": "07:00"}]},
        {"rotas": {"night": {"people": [], "from": "2026-01-05"}}},
        {"dead_mans_switch": "file:///etc"},
    ],
)
def test_a_policy_that_cannot_be_carried_out_is_refused(part: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        a_policy(**part)


HALF_HOURS = st.integers(-96, 96).map(lambda halves: timedelta(minutes=30 * halves))
MOMENTS = st.builds(lambda change, away: change + away, st.sampled_from([SPRING, AUTUMN, NOON]), HALF_HOURS)
TIMES = st.integers(0, 95).map(lambda quarter: f"{quarter // 4:02}:{quarter % 4 * 15:02}")
STEPS = st.lists(
    st.fixed_dictionaries(
        {"everybody": st.just(True)},
        optional={"repeat_minutes": st.integers(5, 120)},
    ),
    min_size=1,
    max_size=3,
).map(lambda steps: [step | {"after_minutes": 20 * at} for at, step in enumerate(steps)])
POLICIES = st.builds(
    lambda steps, begins, ends: TellingPolicy.model_validate(
        {
            "chains": [{"name": "drawn", "steps": steps}],
            "quiet_hours": [{"from": begins, "until": ends}] if begins != ends else [],
        }
    ),
    STEPS,
    TIMES,
    TIMES,
)
TIERS: st.SearchStrategy[TierWord] = st.sampled_from(["contraindication", "high", "moderate"])


@given(POLICIES, MOMENTS, TIERS)
def test_a_chain_moves_on_for_ever_and_never_tells_in_quiet_hours(
    policy: TellingPolicy, began_at: datetime, tier: TierWord
) -> None:
    situation = Situation(began_at, tier)
    moments = [next_moment(policy, situation, None, ZONE)]
    for _ in range(12):
        moments.append(next_moment(policy, situation, moments[-1], ZONE))

    assert all(one is not None and other is not None and one < other for one, other in pairwise(moments))
    quiet = [each for each in policy.quiet_hours if tier not in each.exempt]
    assert not any(each.hold(at, ZONE) for each in quiet for at in moments if at is not None)


@given(POLICIES, MOMENTS, TIERS, st.integers(0, 600))
def test_every_moment_has_a_step_and_every_step_is_told_however_late_one_asks(
    policy: TellingPolicy, began_at: datetime, tier: TierWord, late: int
) -> None:
    situation = Situation(began_at, tier)
    first = next_moment(policy, situation, None, ZONE)
    assert first is not None
    asked = first + timedelta(minutes=late)

    at_once = turns_between(policy, situation, None, first, ZONE)
    turns = turns_between(policy, situation, None, asked, ZONE)
    following = next_moment(policy, situation, asked, ZONE)

    assert at_once
    assert following is not None
    assert turns_between(policy, situation, asked, following, ZONE)
    assert not turns_between(policy, situation, asked, following - timedelta(microseconds=1), ZONE)
    assert {turn.step for turn in at_once} <= {turn.step for turn in turns}
    assert all(turn.at <= asked for turn in turns)


@given(TIMES, TIMES, MOMENTS)
def test_hours_end_later_than_they_hold_and_not_again_at_once(begins: str, ends: str, at: datetime) -> None:
    hours = Hours.model_validate({"from": begins, "until": ends})

    end = hours.end(at, ZONE)

    if end is not None:
        assert at < end <= at + timedelta(hours=25)
        assert begins == ends or not hours.hold(end, ZONE) or abs(end - AUTUMN) < timedelta(hours=3)


@given(st.integers(0, 400), st.integers(1, 31), st.integers(0, 24 * 60 - 1))
def test_somebody_is_on_call_at_any_moment_and_hands_over_at_one_hour(days: int, length: int, minute: int) -> None:
    rota = Rota.model_validate({"people": ["a", "b", "c"], "from": "2026-01-05", "days": length, "hand_over": "02:30"})
    at = datetime(2026, 1, 5, tzinfo=UTC) + timedelta(days=days, minutes=minute)

    turn, following = rota.turn(at, ZONE), rota.turn(at + timedelta(days=length), ZONE)

    assert rota.on_call(at, ZONE) == "abc"[turn % 3]
    assert following - turn in (0, 1, 2)
    assert rota.turn(at, ZONE) <= rota.turn(at + timedelta(hours=1), ZONE)


def test_a_pharmacist_reads_the_policy_as_sentences() -> None:
    limits: dict[FoundTier, timedelta] = {
        "contraindication": timedelta(minutes=30),
        "high": timedelta(hours=8),
        "moderate": timedelta(hours=72),
    }
    before = timedelta(minutes=30)
    dutch, english = (sentences(a_policy(), words_in(language).policy, limits, before) for language in ("nl", "en"))

    assert dutch[0] == (
        "Contra-indicaties, van afdeling C4* en IC, gemeld van 17:00 tot 08:00: meteen wie dienst heeft (night), "
        "elke 15 min opnieuw (hoogstens 3 keer); na 45 min iedereen met de rol heads, elke 15 min opnieuw, "
        "tot iemand het oppakt."
    )
    assert english[0] == (
        "Contraindications, of ward C4* and IC, raised from 17:00 until 08:00: whoever is on call (night) at once, "
        "again every 15 min (at most 3 times); everybody with the role heads after 45 min, again every 15 min, "
        "until somebody takes it on."
    )
    assert "Other contraindications: every destination at once, again every 15 min, until somebody takes it on." in (
        english
    )
    assert "Contraindications: taken on within 30 min, and 30 min before the planned start at the latest." in (english)
    quiet = "Quiet from 22:00 until 07:00, except for contraindications and high risk: what falls in it goes out when"
    assert f"{quiet} it ends." in english
    assert "On call (night): jansen and vries, 7 days each, handing over at 08:00; from 05-01-2026." in english


def test_where_the_tiers_of_a_chain_repeat_at_different_times_the_sentence_says_each() -> None:
    policy = TellingPolicy.model_validate({"chains": [{"name": "all", "steps": [{"destination": "pager"}]}]})

    dutch = sentences(policy, words_in("nl").policy, {}, timedelta(minutes=30))

    assert dutch[0] == (
        "Alle signalen: meteen pager, elke 15 min opnieuw bij contra-indicaties, elke 8 uur opnieuw bij hoog risico, "
        "elke 72 uur opnieuw bij matig risico, tot iemand het oppakt."
    )
