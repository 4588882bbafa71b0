"""How long events are kept: whole months are dropped, and the record says so."""

from __future__ import annotations

import structlog

from reqtrail.features.audit import repository
from reqtrail.features.audit.tables import audit_events
from reqtrail.kit import clock
from reqtrail.platform.auditing import INSTANCE, Source, Trail, record
from reqtrail.platform.database.engine import Database
from reqtrail.platform.database.partitions import drop_months, month_start, months_before
from reqtrail.platform.database.scope import of_task

logger = structlog.get_logger()


async def retire_events(database: Database, owner: Database, months: int) -> list[str]:
    """Drop the months that are older than *months* whole ones; return the names of their partitions.

    Leaves and signatures stay, so what is left can be verified as before. A month with an event that is not sealed
    stays until it is. The event comes first: a month that is gone without one would pass for a theft.

    Args:
        database: Where the event is recorded, as the application.
        owner: The same database with the login that owns the tables.
        months: 0 keeps everything.
    """
    if months == 0:
        return []
    database = database.within(of_task("audit"))
    until = month_start(clock.now(), -months)
    async with database.read_session() as session:
        waiting = await repository.first_unsealed(session)
    if waiting is not None and waiting < until:
        logger.warning("audit_retention_waits_for_the_sealer", since=clock.isoformat(waiting))
        until = month_start(waiting)
    async with owner.engine.connect() as connection:
        names = await months_before(connection, audit_events.name, until)
    if not names:
        return []
    trail = Trail(Source("retire_audit", proof="system"), project_id=INSTANCE)
    trail.details.update(until=clock.isoformat(until), partitions=names, months_kept=months)
    await record(database, trail)
    async with owner.engine.begin() as connection:
        await drop_months(connection, names)
    logger.info("audit_retired", names=names)
    return names
