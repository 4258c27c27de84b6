"""The inbox as a list: what can still be prevented first, then how loudly and how strongly the knowledge speaks."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from clinical.conclusions import StoredOrder, StoredPatient
from clinical.words import AFTER_INFUSION, Channel, Priority, Tier, in_language
from history.conclusion import channel_of
from history.orders import COMPLETED, DISCONTINUED, STOPPED
from store.alerts import ConcludedAlert

SOON = timedelta(hours=24)


class ListSection(IntEnum):
    """Where an alert stands in the list: by what can still be prevented."""

    NOW = 0  # starts within 24 hours, or runs
    LATER = 1
    GIVEN = 2  # given already: watch the patient
    AFTER_INFUSION = 3  # something happened after the doses
    RECORD = 4  # over, or the patient died: nobody needs to hurry


@dataclass(frozen=True, slots=True)
class Card:
    """One alert in the list: the alert itself, and what is worked out of what was concluded."""

    alert: ConcludedAlert
    titles: tuple[str, ...]
    order: StoredOrder
    starts: datetime | None
    section: ListSection
    has_begun: bool
    away: timedelta  # between now and the start

    @property
    def rank(self) -> tuple[int, int, int, bool, timedelta, int, int]:
        """The place in the list: section, channel, tier; what begins before what has begun, the nearest start first."""
        alert = self.alert
        channel = channel_of(alert.conclusion.channel, alert.tier)
        strength = (-channel, -Tier.named(alert.tier))
        return self.section, *strength, self.has_begun, self.away, -Priority.named(alert.priority), alert.id


@dataclass(frozen=True, slots=True)
class PatientCard:
    """One patient and her alerts of one section."""

    person: int
    patient: StoredPatient
    cards: tuple[Card, ...]

    @property
    def section(self) -> ListSection:
        """The section that all of the alerts stand in."""
        return self.cards[0].section

    @property
    def ward(self) -> str:
        """Where the patient lies."""
        return self.patient.ward


def groups_of(
    rows: Iterable[ConcludedAlert], person_of: Mapping[int, int], language: str, now: datetime
) -> list[PatientCard]:
    """Group the alerts of each section by patient; the patient with the alert that comes first in the list first."""
    grouped: dict[tuple[ListSection, int], list[tuple[Card, StoredPatient]]] = {}
    for row in rows:
        card, person = card_of(row, language, now), person_of.get(row.patient_id, row.patient_id)
        grouped.setdefault((card.section, person), []).append((card, row.conclusion.patient))
    groups = []
    for (_, person), shown in grouped.items():
        newest = max(shown, key=lambda pair: pair[0].alert.changed_at)[1]
        groups.append(
            PatientCard(person, newest, tuple(sorted((card for card, _ in shown), key=lambda card: card.rank)))
        )
    return sorted(groups, key=lambda group: group.cards[0].rank)


def section_of(alert: ConcludedAlert, starts: datetime | None, now: datetime) -> ListSection:
    """Return what can still be prevented; an order whose start nobody knows may start at any moment."""
    if "deceased" in alert.badges or alert.is_resolved:
        return ListSection.RECORD
    if alert.stream == AFTER_INFUSION:
        return ListSection.AFTER_INFUSION
    if alert.order_state in STOPPED:
        was_given = alert.order_state in (COMPLETED, DISCONTINUED) and starts is not None and starts <= now
        return ListSection.GIVEN if was_given else ListSection.RECORD
    if alert.order_ends_at is not None and alert.order_ends_at <= now:
        return ListSection.GIVEN
    return ListSection.LATER if starts is not None and starts > now + SOON else ListSection.NOW


def card_of(row: ConcludedAlert, language: str, now: datetime) -> Card:
    """Return one alert as the list shows it; only findings of the alert's own tier, unless there are none."""
    told = row.conclusion
    findings = [finding for finding in told.findings if channel_of(finding.channel, finding.tier) >= Channel.WORKLIST]
    gravest = [finding for finding in findings if finding.tier == row.tier] or findings
    order = told.order
    starts = _start_of(row)
    return Card(
        alert=row,
        titles=tuple(dict.fromkeys(in_language(finding.title, language) for finding in gravest)),
        order=order,
        starts=starts,
        section=section_of(row, starts, now),
        has_begun=starts is not None and starts <= now,
        away=abs(starts - now) if starts is not None else timedelta(0),
    )


def wards_of(groups: Sequence[PatientCard]) -> list[str]:
    """Return every ward in the list, by name."""
    return sorted({group.ward for group in groups if group.ward})


def on_wards(groups: Sequence[PatientCard], wards: Collection[str]) -> list[PatientCard]:
    """Only the patients on these wards; everybody when none is named."""
    return [group for group in groups if not wards or group.ward in wards]


def first_of(groups: Sequence[PatientCard], limit: int) -> list[PatientCard]:
    """Return the first patients of the list with at most so many alerts; of the last one perhaps not all."""
    shown: list[PatientCard] = []
    for group in groups:
        room = limit - sum(len(each.cards) for each in shown)
        if room <= 0:
            break
        shown.append(PatientCard(group.person, group.patient, group.cards[:room]))
    return shown


def is_urged(alert: ConcludedAlert, now: datetime) -> bool:
    """Return whether this is an open contra-indication that still concerns somebody alive."""
    is_contraindication = alert.is_open and alert.tier == Tier.CONTRAINDICATION.word
    return is_contraindication and section_of(alert, _start_of(alert), now) != ListSection.RECORD


def _start_of(alert: ConcludedAlert) -> datetime | None:
    start = alert.conclusion.order.start
    return datetime.fromisoformat(start) if start else None
