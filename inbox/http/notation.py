"""Times and numbers as a reader of a language writes them, in the hospital's zone."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from clinical.medicine_names import without_form
from inbox.http.words import Words

MINUS = "\N{MINUS SIGN}"
WEEKDAY_SAYS_ENOUGH = 6  # days from today
_DAYS_SAY_ENOUGH = 48  # hours after a dose
RECENT_DAYS = 60  # of a day this near, the day itself is written and not its year


@dataclass(frozen=True, slots=True)
class Notation:
    """How times and numbers are written for one reader."""

    words: Words
    zone: ZoneInfo

    def moment(self, at: datetime | str | None) -> str:
        """Write a time: `21 nov 2026 14:05`."""
        local = self._local(at)
        return f"{self.day(local)} {local:%H:%M}" if local else ""

    def seconds(self, at: datetime | str | None) -> str:
        """Write a time to the second."""
        local = self._local(at)
        return f"{self.day(local)} {local:%H:%M:%S}" if local else ""

    def day(self, at: date | str | None) -> str:
        """Write a date: `21 nov 2026`. A text that is not a date is returned unchanged."""
        if isinstance(at, str):
            try:
                at = date.fromisoformat(at[:10])
            except ValueError:
                return str(at)
        return f"{at.day} {self.month(at.month)} {at.year}" if at else ""

    def month(self, number: int) -> str:
        """Write a month, short."""
        return self.words("month").split()[number - 1]

    def known(self, at: datetime | str | None, precision: str) -> str:
        """Write a time no more precisely than it is known."""
        local = self._local(at)
        if local is None:
            return ""
        if precision == "year":
            return str(local.year)
        if precision == "month":
            return f"{self.month(local.month)} {local.year}"
        return self.day(local) if precision in {"day", ""} else self.moment(local)

    def about(self, at: datetime | str | None, precision: str, now: datetime) -> str:
        """Write when a fact was, as a colleague would: `today`, `25 Nov`, `May 2026`, `2019`."""
        local, today = self._local(at), now.astimezone(self.zone).date()
        if local is None or precision in {"year", "month"}:
            return self.known(at, precision)
        if local.date() == today:
            return self.words("today")
        if abs((today - local.date()).days) <= RECENT_DAYS:
            return f"{local.day} {self.month(local.month)}"
        return f"{self.month(local.month)} {local.year}"

    def lately(self, at: datetime | str | None, now: datetime) -> str:
        """Write a moment to the second, without the day when that is today."""
        local = self._local(at)
        is_today = local is not None and local.date() == now.astimezone(self.zone).date()
        return f"{local:%H:%M:%S}" if local and is_today else self.moment(at)

    def product(self, name: str) -> str:
        """Write a product as people call it: `PRIVIGEN INFVLST 100MG/ML` is Privigen."""
        plain = without_form(name)
        return name if plain == name else plain[:1].upper() + plain[1:]

    def near(self, at: datetime | str | None, now: datetime) -> str:
        """Write a moment near now: `today 10:30`, `Tue 1 Dec 08:00`."""
        local = self._local(at)
        if local is None:
            return ""
        if local.date() == now.astimezone(self.zone).date():
            return f"{self.words('today')} {local:%H:%M}"
        return f"{self.weekday(local)} {local.day} {self.month(local.month)} {local:%H:%M}"

    def brief(self, at: datetime | str | None, now: datetime) -> str:
        """Write a moment of the days around now in a narrow column: `10:30`, `Tue 08:00`."""
        local = self._local(at)
        if local is None or abs((local.date() - now.astimezone(self.zone).date()).days) > WEEKDAY_SAYS_ENOUGH:
            return self.near(at, now)
        is_today = local.date() == now.astimezone(self.zone).date()
        return f"{local:%H:%M}" if is_today else f"{self.weekday(local)} {local:%H:%M}"

    def on(self, at: datetime | str | None) -> str:
        """Write a day near now: `Wed 25 Nov`."""
        local = self._local(at)
        return f"{self.weekday(local)} {local.day} {self.month(local.month)}" if local else ""

    def clock(self, at: datetime | str | None) -> str:
        """Write the time of a day: `10:30`."""
        local = self._local(at)
        return f"{local:%H:%M}" if local else ""

    def weekday(self, at: date) -> str:
        """Write a day of the week, short."""
        return self.words("weekday").split()[at.weekday()]

    def date_of(self, at: datetime | str | None) -> date | None:
        """Return the day of a moment in the hospital's zone."""
        local = self._local(at)
        return local.date() if local else None

    def midnight(self, at: datetime) -> datetime:
        """Return the midnight with which the day of a moment began in the hospital's zone."""
        return at.astimezone(self.zone).replace(hour=0, minute=0, second=0, microsecond=0)

    def span(self, minutes: int) -> str:
        """Write how long: `42 min`, `3 h 42`, `27 h`, `3 days`."""
        hours, rest = divmod(abs(minutes), 60)
        if not hours:
            return f"{rest} {self.words('unit.minute')}"
        if hours < 24 and rest:
            return f"{hours} {self.words('unit.hour_short')} {rest:02}"
        if hours < 2 * 24:
            return f"{hours} {self.words('unit.hour')}"
        return self.words.count("unit.days", hours // 24)

    def lasting(self, minutes: int) -> str:
        """Write how long an infusion runs, in hours also where that is days: `8 h 20`, `51 h`."""
        hours = round(minutes / 60)
        return f"{hours} {self.words('unit.hour')}" if hours >= 24 else self.span(minutes)

    def after_dose(self, at: datetime | str | None, precision: str, hours: int) -> str:
        """Write how long after a dose an event was, no more precisely than its moment is known: `4 h`, `7 days`."""
        event, is_exact = self._local(at), precision in {"", "second", "minute", "hour"}
        if event is None or (is_exact and hours < _DAYS_SAY_ENOUGH):
            return self.words("case.after.hours", span=self.span(60 * hours))
        days = hours // 24 if is_exact else (event.date() - (event - timedelta(hours=hours)).date()).days
        return self.words.count("case.after.days", days) if days else self.words("case.after.same_day")

    def figures(self, low_high: Sequence[float] | None, unit: str) -> str:
        """Write a quantity with the figures that matter."""
        return _between([self.figure(end) for end in low_high or ()], unit)

    def days(self, first: datetime, last: datetime) -> str:
        """Write from which day to which: `2–23 Dec`, `28 Nov – 5 Dec`."""
        begin, end = first.astimezone(self.zone), last.astimezone(self.zone)
        if (begin.year, begin.month) == (end.year, end.month):
            return f"{begin.day}–{end.day} {self.month(end.month)}"
        return f"{begin.day} {self.month(begin.month)} – {end.day} {self.month(end.month)}"

    def figure(self, value: float, unit: str = "") -> str:
        """Write a computed quantity with the figures that matter: `4`, `3.5`, `16`."""
        text = f"{value:.{0 if value >= 20 else 1 if value >= 1 else 2}f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return f"{self.number(text)} {unit}".rstrip()

    def number(self, value: float | str) -> str:
        """Write a number with the reader's decimal sign; a computed one with two decimals at most."""
        text = f"{round(value, 2 if abs(value) >= 0.1 else 4):g}" if isinstance(value, float) else str(value)
        text = f"{MINUS}{text[1:]}" if text.startswith("-") else text
        return text.replace(".", self.words("decimal"))

    def range(self, low_high: Sequence[float] | None, unit: str) -> str:
        """Write a quantity, as one number when it is exact: `35 g`, `30–35 g`."""
        return _between([self.number(float(end)) for end in low_high or ()], unit)

    def iso(self, at: datetime | str | None) -> str:
        """Write a time for machines."""
        local = self._local(at)
        return local.isoformat(timespec="seconds") if local else ""

    def field(self, at: datetime) -> str:
        """Write a time as a field of a form takes it: on the hospital's clock, to the minute."""
        return at.astimezone(self.zone).strftime("%Y-%m-%dT%H:%M")

    def age(self, born: str | None, now: datetime) -> int | None:
        """Count whole years, or None without a birth date that can be read."""
        if not born:
            return None
        try:
            birth, today = date.fromisoformat(born[:10]), now.astimezone(self.zone).date()
        except ValueError:
            return None
        return today.year - birth.year - ((today.month, today.day) < (birth.month, birth.day))

    def _local(self, at: datetime | str | None) -> datetime | None:
        if not at:
            return None
        moment = datetime.fromisoformat(at) if isinstance(at, str) else at
        return moment.astimezone(self.zone)


def _between(ends: Sequence[str], unit: str) -> str:
    """Write a low and a high end, one of them when they are the same, and "" without any."""
    return f"{'–'.join(dict.fromkeys(ends))} {unit}" if ends else ""
