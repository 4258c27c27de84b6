"""What can go wrong in a worker."""

import sqlalchemy as sa

# The database cannot be reached, is locked, or chose this transaction to break a deadlock: try the same again.
TRY_AGAIN = (sa.exc.OperationalError, sa.exc.InterfaceError)
