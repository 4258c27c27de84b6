"""Says in the database of which feeds a link is open, so that one that is linked and sends nothing is seen."""

import asyncio
import contextlib
from collections.abc import Callable, Collection
from datetime import datetime

import sqlalchemy as sa
import structlog

from store import feeds

log = structlog.get_logger()

SAY_EVERY_S = 15.0


class OpenLinks:
    """Records it every few seconds until stopped; a database that is away is asked again the next time."""

    def __init__(
        self,
        engine: sa.Engine,
        linked: Callable[[], Collection[str]],
        clock: Callable[[], datetime],
        every_s: float = SAY_EVERY_S,
    ) -> None:
        """`linked` returns the names of the feeds with an open link; it is called in the event loop."""
        self._engine = engine
        self._linked = linked
        self._clock = clock
        self._every_s = every_s
        self._saying: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to record."""
        self._saying = asyncio.get_running_loop().create_task(self._say_again_and_again())

    async def stop(self) -> None:
        """Stop; what was recorded is over within a minute."""
        if self._saying is not None:
            self._saying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._saying

    async def _say_again_and_again(self) -> None:
        while True:
            names = self._linked()
            if names:
                await asyncio.to_thread(self._say, names)
            await asyncio.sleep(self._every_s)

    def _say(self, names: Collection[str]) -> None:
        try:
            with self._engine.begin() as connection:
                feeds.linked(connection, names, self._clock())
        except sa.exc.SQLAlchemyError as error:
            log.warning("links.not_recorded", error=type(error).__name__)
