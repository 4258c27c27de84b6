"""The policy of telling as sentences that a pharmacist reads."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from clinical.words import ALERT_TIERS, FoundTier
from forwarding.hours import DAYS, Hours
from forwarding.policy import REPEATS, SELDOM, QuietHours, TellingChain, TellingPolicy, TellingStep
from forwarding.rota import Rota
from forwarding.wording import PolicyWords


def sentences(
    policy: TellingPolicy, words: PolicyWords, take_on: Mapping[FoundTier, timedelta], before_start: timedelta
) -> list[str]:
    """Return who is told of what and when, the chains first, in the order in which they are looked at.

    `take_on` says how long an alert of each tier may wait for somebody, and `before_start` by when she has it.
    """
    return [
        *(_chain(chain, words) for chain in policy.chains),
        *(_by_default(tier, words, others=bool(policy.chains)) for tier in ALERT_TIERS),
        *(_take_on(tier, limit, before_start, words) for tier, limit in take_on.items()),
        *(sentence for name, rota in policy.rotas.items() for sentence in _rota(name, rota, words)),
        *(_quiet(each, words) for each in policy.quiet_hours),
        *([words.fallback.format(name=policy.fallback)] if policy.fallback is not None else ()),
    ]


def _chain(chain: TellingChain, words: PolicyWords) -> str:
    tiers = chain.tiers or ALERT_TIERS
    last = len(chain.steps) - 1
    by_itself = {tier: REPEATS.get(tier, SELDOM) for tier in tiers}
    steps = [_step(step, by_itself if at == last else {}, words) for at, step in enumerate(chain.steps)]
    return _begin(words.chain.format(which=_which(chain, words), steps="; ".join(steps)))


def _by_default(tier: FoundTier, words: PolicyWords, *, others: bool) -> str:
    which = words.which[tier]
    if tier == "moderate":  # by itself it stands in the worklist, and nobody is told
        which = words.interrupting.format(which=which)
    step = _step(TellingStep(everybody=True), {tier: REPEATS.get(tier, SELDOM)}, words)
    return _begin(words.chain.format(which=words.others.format(which=which) if others else which, steps=step))


def _which(chain: TellingChain, words: PolicyWords) -> str:
    parts = [_together([words.which[tier] for tier in chain.tiers], words) if chain.tiers else words.all]
    if chain.channels != ("interrupt",):
        parts.append(_together([words.channel[channel] for channel in chain.channels], words))
    if chain.streams:
        parts.append(_together([words.stream[stream] for stream in chain.streams], words))
    if chain.wards:
        parts.append(words.wards.format(wards=_together(chain.wards, words)))
    if chain.hours is not None:
        parts.append(words.raised.format(hours=_hours(chain.hours, words)))
    return ", ".join(parts)


def _step(step: TellingStep, by_itself: Mapping[FoundTier, timedelta], words: PolicyWords) -> str:
    """Say whom a step tells; `by_itself` is how often it does so again for each tier when it names no time."""
    who = _who(step, words)
    after = timedelta(minutes=step.after_minutes)
    sentence = words.later.format(who=who, time=_time(after, words)) if after else words.at_once.format(who=who)
    if step.repeat_minutes:
        by_itself = dict.fromkeys(ALERT_TIERS, timedelta(minutes=step.repeat_minutes))
    times = list(dict.fromkeys(by_itself.values()))
    if len(times) == 1:
        sentence += f", {words.again.format(time=_time(times[0], words))}"
    else:
        for every in times:
            which = _together([words.which[tier] for tier in by_itself if by_itself[tier] == every], words)
            sentence += f", {words.again_of.format(time=_time(every, words), which=which)}"
    return f"{sentence} ({words.at_most.format(times=step.at_most)})" if step.at_most else sentence


def _who(step: TellingStep, words: PolicyWords) -> str:
    for text, name in (
        (words.destination, step.destination),
        (words.person, step.person),
        (words.role, step.role),
        (words.rota, step.rota),
    ):
        if name is not None:
            return text.format(name=name)
    return words.everybody


def _take_on(tier: FoundTier, limit: timedelta, before: timedelta, words: PolicyWords) -> str:
    return _begin(words.take_on.format(which=words.which[tier], time=_time(limit, words), before=_time(before, words)))


def _rota(name: str, rota: Rota, words: PolicyWords) -> Iterator[str]:
    yield words.rota_turns.format(
        name=name,
        people=_together(rota.people, words),
        days=rota.days,
        at=f"{rota.hand_over:%H:%M}",
        first=f"{rota.first_day:%d-%m-%Y}",
    )
    for swap in rota.swaps:
        yield words.swap.format(name=name, person=swap.person, begins=_local(swap.begins), ends=_local(swap.ends))


def _local(moment: datetime) -> str:
    return f"{moment:%d-%m-%Y %H:%M}"


def _quiet(hours: QuietHours, words: PolicyWords) -> str:
    when = _hours(hours, words)
    if not hours.exempt:
        return words.quiet_for_all.format(hours=when)
    return words.quiet.format(hours=when, exempt=_together([words.which[tier] for tier in hours.exempt], words))


def _hours(hours: Hours, words: PolicyWords) -> str:
    times = words.hours.format(begins=f"{hours.begins:%H:%M}", ends=f"{hours.ends:%H:%M}")
    if set(hours.days) == set(DAYS):
        return times
    days = [words.day[day] for day in DAYS if day in hours.days]
    return f"{words.days.format(days=_together(days, words))} {times}"


def _time(time: timedelta, words: PolicyWords) -> str:
    minutes = int(time.total_seconds()) // 60
    return words.minutes.format(n=minutes) if minutes % 60 or minutes < 120 else words.hour.format(n=minutes // 60)


def _together(names: Sequence[str], words: PolicyWords) -> str:
    return f" {words.and_} ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]


def _begin(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
