"""Whom an alert is told to and when again, until somebody takes it on: the site file's section `telling`.

Pure: the moments follow from when the chain began, so whoever asks later gets the same answer. Steps are counted from
that moment in elapsed time; hours and rotas are those of the hospital's own clock.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import pairwise
from typing import Annotated, Final
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from clinical.words import ALERT_TIERS, ChannelWord, FoundChannel, FoundTier, Stream, TierWord
from forwarding.hours import Hours, PolicyPart
from forwarding.rota import Rota

REPEATS: Final[Mapping[str, timedelta]] = {  # of a last step that names none: until somebody takes the alert on
    "contraindication": timedelta(minutes=15),
    "high": timedelta(hours=8),
    "moderate": timedelta(hours=72),
}
SELDOM: Final = timedelta(hours=72)
_A_WEEK = timedelta(days=7)


class TellingStep(PolicyPart):
    """Whom to tell how long after the alert was raised, and how often again."""

    destination: str | None = None
    person: str | None = None
    role: str | None = None
    rota: str | None = None
    everybody: bool = False  # every destination whose min_tier the alert reaches
    after_minutes: int = Field(0, ge=0, le=7 * 24 * 60)
    repeat_minutes: int | None = Field(None, ge=1, le=7 * 24 * 60)
    at_most: int | None = Field(None, ge=1)  # notices of this step

    @model_validator(mode="after")
    def _names_one(self) -> "TellingStep":
        if len([each for each in (self.destination, self.person, self.role, self.rota) if each]) + self.everybody != 1:
            raise ValueError("names one of destination, person, role, rota or everybody: true")
        if self.at_most is not None and self.repeat_minutes is None:
            raise ValueError("at_most needs repeat_minutes")
        return self


class TellingChain(PolicyPart):
    """The steps for some alerts; an empty selection stands for all."""

    name: str = Field(pattern=r"^[A-Za-z0-9._-]{1,60}$")
    tiers: tuple[FoundTier, ...] = ()
    channels: tuple[FoundChannel, ...] = ("interrupt",)
    streams: tuple[Stream, ...] = ()
    wards: tuple[str, ...] = ()  # codes; C4* stands for all that begin so
    hours: Hours | None = None  # in which the alert is raised
    steps: tuple[TellingStep, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _steps_follow(self) -> "TellingChain":
        if any(later.after_minutes <= former.after_minutes for former, later in pairwise(self.steps)):
            raise ValueError("each step needs more after_minutes than the one before it")
        return self


class QuietHours(Hours):
    """Hours in which nobody is told; what falls in them is told when they end."""

    exceptions: tuple[FoundTier, ...] = Field((), alias="except")
    silence_contraindications: bool = False

    @model_validator(mode="after")
    def _says_one_thing_of_contraindications(self) -> "QuietHours":
        if self.silence_contraindications and "contraindication" in self.exceptions:
            raise ValueError("except names contraindication, which silence_contraindications silences")
        return self

    @property
    def exempt(self) -> tuple[FoundTier, ...]:
        """The tiers that are told all the same; a contra-indication is, unless the site file silences it by name."""
        always: tuple[FoundTier, ...] = () if self.silence_contraindications else ("contraindication",)
        return tuple(dict.fromkeys((*always, *self.exceptions)))


class TellingPolicy(PolicyPart):
    """How alerts are told: who can be reached where, in which steps, and when not."""

    people: dict[str, str] = Field(default_factory=dict)  # a person: the destination that reaches them
    roles: dict[str, Annotated[tuple[str, ...], Field(min_length=1)]] = Field(
        default_factory=dict
    )  # a role: the people that have it, who are told together
    rotas: dict[str, Rota] = Field(default_factory=dict)
    chains: tuple[TellingChain, ...] = ()  # the first that fits; without one, everybody is told again and again
    quiet_hours: tuple[QuietHours, ...] = ()
    gather_seconds: int = Field(60, ge=0, le=600)  # one notice per patient and destination in this time
    fallback: str | None = None  # gets what another destination failed to take three times; else the next one named
    incidents_to: tuple[str, ...] = ()  # destinations that hear of faults of the telling itself; empty: all
    dead_mans_switch: str | None = Field(None, pattern=r"^https?://\S+$")  # pinged each minute while all is well

    @model_validator(mode="after")
    def _is_not_always_quiet(self) -> "TellingPolicy":
        monday = datetime(2026, 1, 5, tzinfo=UTC)
        for tier in ALERT_TIERS:
            if self.allowed_from(monday, tier, ZoneInfo("UTC")) > monday + _A_WEEK:
                raise ValueError(f"quiet_hours leave no hour in which {tier} may be sent")
        return self

    def allowed_from(self, at: datetime, tier: TierWord, zone: ZoneInfo) -> datetime:
        """Return this moment, or when the quiet hours that it falls in end."""
        until, asked = at, at
        while asked <= at + _A_WEEK:
            ends = [end for each in self.quiet_hours if tier not in each.exempt if (end := each.end(asked, zone))]
            if not ends:
                return asked
            until = asked = max(ends)
        return until


Place = tuple[int | str, ...]  # in the section, as ("chains", 0, "steps", 1, "rota")


def unknown_names(policy: TellingPolicy, destinations: Collection[str]) -> Iterator[tuple[Place, str]]:
    """Yield every name that stands for nothing: where it stands, and what is wrong."""
    for place, kind, name in _names(policy):
        known: Collection[str] = {
            "destination": destinations,
            "person": policy.people,
            "role": policy.roles,
            "rota": policy.rotas,
        }[kind]
        if name not in known:
            yield place, f"there is no {kind} {name}"
    names = [chain.name for chain in policy.chains]
    yield from (
        (("chains", at), f"two chains are called {name}") for at, name in enumerate(names) if name in names[:at]
    )


def _names(policy: TellingPolicy) -> Iterator[tuple[Place, str, str]]:
    """Yield where a name stands, of what kind it is, and the name."""
    yield from ((("people", name), "destination", destination) for name, destination in policy.people.items())
    for role, members in policy.roles.items():
        yield from ((("roles", role, at), "person", person) for at, person in enumerate(members))
    for name, rota in policy.rotas.items():
        yield from ((("rotas", name, "people", at), "person", person) for at, person in enumerate(rota.people))
        yield from ((("rotas", name, "swaps", at), "person", swap.person) for at, swap in enumerate(rota.swaps))
    for at, chain in enumerate(policy.chains):
        for number, step in enumerate(chain.steps):
            for kind in ("destination", "person", "role", "rota"):
                if (named := getattr(step, kind)) is not None:
                    yield ("chains", at, "steps", number, kind), kind, named
    yield from ((("incidents_to", at), "destination", name) for at, name in enumerate(policy.incidents_to))
    if policy.fallback is not None:
        yield ("fallback",), "destination", policy.fallback


@dataclass(frozen=True, slots=True)
class Situation:
    """An alert as far as its chain depends on it."""

    began_at: datetime  # when it was raised, or became worse
    tier: TierWord
    ward: str = ""
    channel: ChannelWord = "interrupt"
    stream: Stream = "order"


@dataclass(frozen=True, slots=True)
class TellingTurn:
    """One step, and how often it was told before."""

    step: int  # from 0
    round: int  # from 0
    at: datetime


DEFAULT = "default"  # the chain of an alert that fits none


def chain_for(policy: TellingPolicy, situation: Situation, zone: ZoneInfo) -> TellingChain:
    """Return the first chain that fits, else the one that tells everybody."""
    return next((chain for chain in policy.chains if _fits(chain, situation, zone)), _EVERYBODY)


_EVERYBODY = TellingChain(name=DEFAULT, steps=(TellingStep(everybody=True),))


def is_told(policy: TellingPolicy, situation: Situation, zone: ZoneInfo) -> bool:
    """Return whether the alert is told at all: when it interrupts, or a chain names its channel."""
    return situation.channel == "interrupt" or chain_for(policy, situation, zone).name != DEFAULT


def _fits(chain: TellingChain, situation: Situation, zone: ZoneInfo) -> bool:
    return (
        (not chain.tiers or situation.tier in chain.tiers)
        and situation.channel in chain.channels
        and (not chain.streams or situation.stream in chain.streams)
        and (not chain.wards or any(fnmatchcase(situation.ward, ward) for ward in chain.wards))
        and (chain.hours is None or chain.hours.hold(situation.began_at, zone))
    )


def next_moment(policy: TellingPolicy, situation: Situation, after: datetime | None, zone: ZoneInfo) -> datetime | None:
    """Return when the chain tells next, later than `after`, or first of all; None when it tells nobody any more."""
    chain = chain_for(policy, situation, zone)
    moments = [_next_of(policy, chain, number, situation, after, zone) for number in range(len(chain.steps))]
    return min((moment for moment in moments if moment is not None), default=None)


def turns_between(
    policy: TellingPolicy, situation: Situation, after: datetime | None, until: datetime, zone: ZoneInfo
) -> list[TellingTurn]:
    """Return the steps to carry out at `until`, when all up to `after` are done: each once, with its latest round.

    Whoever was away for hours tells each step once, not once for every round that was missed.
    """
    chain = chain_for(policy, situation, zone)
    found = (_latest_of(policy, chain, number, situation, until, zone) for number in range(len(chain.steps)))
    return [turn for turn in found if turn is not None and (after is None or turn.at > after)]


def is_last(policy: TellingPolicy, situation: Situation, step: int, zone: ZoneInfo) -> bool:
    """Return whether nobody comes after this step."""
    return step >= len(chain_for(policy, situation, zone).steps) - 1


def _every(chain: TellingChain, number: int, tier: TierWord) -> timedelta | None:
    step = chain.steps[number]
    if step.repeat_minutes is not None:
        return timedelta(minutes=step.repeat_minutes)
    return REPEATS.get(tier, SELDOM) if number == len(chain.steps) - 1 else None


def _moment_of(
    policy: TellingPolicy, chain: TellingChain, number: int, situation: Situation, times: int, zone: ZoneInfo
) -> datetime:
    """Return when the step is told for this time (0: the first), which quiet hours may put off."""
    every = _every(chain, number, situation.tier) or timedelta(0)
    planned = situation.began_at + timedelta(minutes=chain.steps[number].after_minutes) + times * every
    return policy.allowed_from(planned, situation.tier, zone)


def _rounds_until(chain: TellingChain, number: int, situation: Situation, until: datetime) -> int:
    """Return the last round planned at or before this moment, -1 for none; quiet hours aside."""
    step, every = chain.steps[number], _every(chain, number, situation.tier)
    since = until - situation.began_at - timedelta(minutes=step.after_minutes)
    if since < timedelta(0):
        return -1
    rounds = since // every if every else 0
    return rounds if step.at_most is None else min(rounds, step.at_most - 1)


def _latest_of(
    policy: TellingPolicy, chain: TellingChain, number: int, situation: Situation, until: datetime, zone: ZoneInfo
) -> TellingTurn | None:
    times = _rounds_until(chain, number, situation, until)
    while times >= 0:  # a round put off by quiet hours is not due yet; those before it may be
        at = _moment_of(policy, chain, number, situation, times, zone)
        if at <= until:
            return TellingTurn(number, times, at)
        times -= 1
    return None


def _next_of(
    policy: TellingPolicy,
    chain: TellingChain,
    number: int,
    situation: Situation,
    after: datetime | None,
    zone: ZoneInfo,
) -> datetime | None:
    step, every = chain.steps[number], _every(chain, number, situation.tier)
    if after is None:
        return _moment_of(policy, chain, number, situation, 0, zone)
    last = _rounds_until(chain, number, situation, after)
    for times in (max(last, 0), last + 1):
        if times > 0 and (every is None or (step.at_most is not None and times >= step.at_most)):
            continue
        at = _moment_of(policy, chain, number, situation, times, zone)
        if at > after:
            return at
    return None


def reached(
    policy: TellingPolicy, step: TellingStep, at: datetime, zone: ZoneInfo, everybody: tuple[str, ...]
) -> list[str]:
    """Return the destinations that the step tells at this moment."""
    if step.everybody:
        return list(everybody)
    if step.destination is not None:
        return [step.destination]
    return list(dict.fromkeys(policy.people[person] for person in people_of(policy, step, at, zone)))


def people_of(policy: TellingPolicy, step: TellingStep, at: datetime, zone: ZoneInfo) -> tuple[str, ...]:
    """Return the people whom the step tells at this moment, as far as it names people."""
    if step.rota is not None:
        return (policy.rotas[step.rota].on_call(at, zone),)
    if step.role is not None:
        return policy.roles[step.role]
    return (step.person,) if step.person is not None else ()
