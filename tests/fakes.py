"""Stand-ins that remember what was asked of them."""

from forwarding.errors import ForwardingError
from forwarding.notice import AnyNotice, FaultNotice, Notice


class RememberingDestination:
    """Takes every notice, or fails with what it is told to."""

    def __init__(self, name: str = "pager", fails: ForwardingError | None = None) -> None:
        self.name = name
        self.fails = fails
        self.asked: list[Notice] = []
        self.faults: list[FaultNotice] = []

    def forward(self, notice: AnyNotice) -> None:
        """Remember the notice, then take it or not."""
        if isinstance(notice, FaultNotice):
            self.faults.append(notice)
        else:
            self.asked.append(notice)
        if self.fails is not None:
            raise self.fails
