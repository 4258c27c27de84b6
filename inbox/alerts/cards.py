"""The inbox as a list: alerts by patient, the gravest first, then the soonest."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from clinical.conclusions import StoredOrder, StoredPatient
from clinical.words import Channel, Priority, Tier, in_language
from history.conclusion import channel_of
from store.alerts import ConcludedAlert

_LAST = datetime.max.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Card:
    """One alert in the list: the alert itself, and what is worked out of what was concluded."""

    alert: ConcludedAlert
    titles: tuple[str, ...]
    order: StoredOrder
    starts: datetime | None

    @property
    def rank(self) -> tuple[int, datetime, int, int]:
        """The place in the list: tier, then planned start; an order without a start after those with one."""
        alert = self.alert
        return -Tier.named(alert.tier), self.starts or _LAST, -Priority.named(alert.priority), alert.id


@dataclass(frozen=True, slots=True)
class PatientCard:
    """One patient and her alerts."""

    patient: StoredPatient
    cards: tuple[Card, ...]

    @property
    def ward(self) -> str:
        """Where the patient lies."""
        return self.patient.ward


def groups_of(rows: Iterable[ConcludedAlert], person_of: Mapping[int, int], language: str) -> list[PatientCard]:
    """Group alerts by patient; the patient with the gravest alert comes first."""
    by_person: dict[int, list[tuple[Card, StoredPatient]]] = {}
    for row in rows:
        person = person_of.get(row.patient_id, row.patient_id)
        by_person.setdefault(person, []).append((card_of(row, language), row.conclusion.patient))
    groups = []
    for shown in by_person.values():
        newest = max(shown, key=lambda pair: pair[0].alert.changed_at)[1]
        groups.append(PatientCard(newest, tuple(sorted((card for card, _ in shown), key=lambda card: card.rank))))
    return sorted(groups, key=lambda group: group.cards[0].rank)


def card_of(row: ConcludedAlert, language: str) -> Card:
    """Give one alert as the list shows it; only findings of the alert's own tier, unless there are none."""
    told = row.conclusion
    findings = [finding for finding in told.findings if channel_of(finding.channel, finding.tier) >= Channel.WORKLIST]
    gravest = [finding for finding in findings if finding.tier == row.tier] or findings
    order = told.order
    return Card(
        alert=row,
        titles=tuple(dict.fromkeys(in_language(finding.title, language) for finding in gravest)),
        order=order,
        starts=datetime.fromisoformat(order.start) if order.start else None,
    )


def wards_of(groups: Sequence[PatientCard]) -> list[str]:
    """Every ward in the list, by name."""
    return sorted({group.ward for group in groups if group.ward})


def on_wards(groups: Sequence[PatientCard], wards: Collection[str]) -> list[PatientCard]:
    """Only the patients on these wards; everybody when none is named."""
    return [group for group in groups if not wards or group.ward in wards]
