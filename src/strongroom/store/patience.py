"""How long the transaction that is open may do nothing before the server breaks it off."""

from sqlalchemy import text

from strongroom.store.database import IDLE_SECONDS, Connection

_FOR_LONG = text("SET LOCAL idle_in_transaction_session_timeout = '1d'")
_BRIEFLY = text(f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_SECONDS}s'")


async def be_idle_for_long(connection: Connection) -> None:
    """Let code that holds nothing which others wait for take its time between two statements."""
    await connection.execute(_FOR_LONG)


async def be_idle_briefly(connection: Connection) -> None:
    """Be as impatient as ever: rows are about to be locked that others want."""
    await connection.execute(_BRIEFLY)
