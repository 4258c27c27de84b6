"""Times and numbers as a reader of a language writes them, in the hospital's zone."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from inbox.http.words import Words


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
        """Write a date: `21 nov 2026`. A text that is no date is given back."""
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

    def number(self, value: float | str) -> str:
        """Write a number with the reader's decimal sign; a computed one with two decimals at most."""
        text = f"{round(value, 2 if abs(value) >= 0.1 else 4):g}" if isinstance(value, float) else str(value)
        return text.replace(".", self.words("decimal"))

    def range(self, low_high: list[float] | None, unit: str) -> str:
        """Write a quantity, as one number when it is exact: `35 g`, `30–35 g`."""
        if not low_high:
            return ""
        low, high = (self.number(float(end)) for end in low_high)
        return f"{low} {unit}" if low == high else f"{low}–{high} {unit}"

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
