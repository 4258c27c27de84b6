"""Which accounts are in use: somebody has signed in and not been away for long."""

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa

from store.tables import session, user

IDLE: Final = timedelta(minutes=30)  # without a look, a session is over
CLOCK_AHEAD: Final = timedelta(minutes=5)  # what was written further in the future, a clock that was wrong wrote


def names_in_use(connection: sa.Connection, now: datetime, idle: timedelta = IDLE) -> set[str]:
    """Return the names of the accounts that have an open session."""
    is_open = (session.c.expires_at > now) & (session.c.seen_at > now - idle)
    query = sa.select(user.c.name).join(session, session.c.user_id == user.c.id).where(user.c.active, is_open)
    return set(connection.scalars(query))
