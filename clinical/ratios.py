"""A share with its confidence limits."""

from dataclasses import dataclass
from math import sqrt

_Z = 1.959964  # of a 95 % interval


@dataclass(frozen=True, slots=True)
class Ratio:
    """A ratio of counts, with its Wilson interval."""

    count: int
    of: int

    @property
    def share(self) -> float:
        """Return the share; 0 when there are none."""
        return self.count / self.of if self.of else 0.0

    @property
    def limits(self) -> tuple[float, float]:
        """Return the 95 % Wilson interval, which also holds for small counts and for zero."""
        if not self.of:
            return 0.0, 1.0
        middle = self.share + _Z**2 / (2 * self.of)
        spread = _Z * sqrt(self.share * (1 - self.share) / self.of + _Z**2 / (4 * self.of**2))
        total = 1 + _Z**2 / self.of
        return max(0.0, (middle - spread) / total), min(1.0, (middle + spread) / total)

    def __str__(self) -> str:
        if not self.of:
            return "none"
        low, high = self.limits
        return f"{self.count} of {self.of} ({self.share:.0%}, {low:.0%} to {high:.0%})"
