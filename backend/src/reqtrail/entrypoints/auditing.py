"""What a worker does for the record beside its other work: it seals what happened and drops what is no longer kept."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from reqtrail.features.audit.public import SealKeys, retire_events, seal_events
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.settings import Settings

logger = structlog.get_logger()

SEAL_SECONDS: Final = 1.0
"""How long an event may be changed without a trace, as long as a worker runs and the database keeps up."""
RETIRE_SECONDS: Final = 3600.0
RETRY_SECONDS: Final = 2.0


async def _retire(database: Database, settings: Settings) -> None:
    assert settings.owner_url is not None
    owner = Database(make_engine(settings.owner_url, role=None, pool_size=1))
    try:
        await retire_events(database, owner, settings.audit_retention_months)
    finally:
        await owner.dispose()


async def keep_record(database: Database, settings: Settings, keys: SealKeys) -> None:
    """Seal and retire until cancelled; an import of an hour must not leave events unsealed for as long."""
    retired = -RETIRE_SECONDS
    loop = asyncio.get_running_loop()
    while True:
        try:
            await seal_events(database, keys)
            if loop.time() - retired >= RETIRE_SECONDS:
                retired = loop.time()
                await _retire(database, settings)
            await asyncio.sleep(SEAL_SECONDS)
        except (SQLAlchemyError, OSError) as error:
            logger.warning("sealer_waits_for_database", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
