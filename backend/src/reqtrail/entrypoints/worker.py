"""The worker process: ``python -m reqtrail.entrypoints.worker`` does what takes longer than a request may.

Any number of workers may run; PostgreSQL holds the truth of every job, and a lease says who works on it. A worker that
is killed loses nothing: its lease runs out and another one takes the job up.
"""

from __future__ import annotations

import asyncio
import signal
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from reqtrail.bootstrap.database import open_marks
from reqtrail.bootstrap.vault import prepare_secrets
from reqtrail.bootstrap.wiring import register_all
from reqtrail.entrypoints.auditing import keep_record
from reqtrail.entrypoints.metrics import start_metrics
from reqtrail.entrypoints.telemetry import start_telemetry
from reqtrail.features.audit.public import load_keys
from reqtrail.features.notifications.public import (
    deliver_next,
    outbound_of,
    queued_webhooks,
    webhooks_behind,
)
from reqtrail.features.versioning.public import queued_seals, run_pending_seals
from reqtrail.platform.bells import Bells
from reqtrail.platform.crypto import KeysUnusable
from reqtrail.platform.database.engine import Database, make_engine
from reqtrail.platform.jobs.changes import ring_changes
from reqtrail.platform.jobs.queue import on_queued
from reqtrail.platform.jobs.registry import known_kinds
from reqtrail.platform.jobs.runner import Runner, queued_jobs
from reqtrail.platform.logging import configure_logging
from reqtrail.platform.mail.outbox import queued as queued_mails
from reqtrail.platform.mail.smtp import Mailer, send_next
from reqtrail.platform.metrics import counted, note_queue, note_webhooks
from reqtrail.platform.notices import on_commit
from reqtrail.platform.outbound import Outbound
from reqtrail.platform.redis import make_redis
from reqtrail.platform.settings import Settings, get_settings

logger = structlog.get_logger()

SEAL_POLL_SECONDS: Final = 10.0
"""How often a worker looks for a seal without a job, which none of this version is."""
MAIL_POLL_SECONDS: Final = 1.0
WEBHOOK_POLL_SECONDS: Final = 2.0
WEBHOOKS_AT_ONCE: Final = 4
"""A slow receiver holds one of them up for a round, see ``deliver_next``."""
RETRY_SECONDS: Final = 2.0
QUEUE_SECONDS: Final = 10.0
ORPHANED: Final = timedelta(minutes=10)
"""How long a seal waits for its job before it is made without."""


async def serve(settings: Settings) -> None:
    """Work until SIGINT or SIGTERM; a job in progress is given up and taken up again by the next worker.

    Raises:
        KeysUnusable: If secrets are encrypted with a master key that is not there.
    """
    if settings.database_url is None:
        raise ValueError(
            "REQTRAIL_DATABASE_URL is not set; `reqtrail up` starts a worker of its own"
        )
    register_all()
    database = Database(
        make_engine(settings.database_url, role=settings.database_role, pool_size=6)
    )
    database.marks = open_marks(settings)
    await prepare_secrets(database, settings)
    redis = make_redis(settings.redis_url) if settings.redis_url else None
    bells = Bells(redis)
    runner = Runner(database, settings)
    bells.listen("jobs", lambda _project_id: runner.wake())
    bells.on_connected(runner.wake)
    bells.start()
    on_commit(database, lambda project_id: bells.ring("commits", project_id))
    on_queued(database, lambda project_id: bells.ring("jobs", project_id))
    ring_changes(database, bells)
    mailer = Mailer(settings) if settings.smtp_host else None
    outbound = outbound_of(settings)
    tasks = [
        asyncio.create_task(_make_orphaned_seals(database), name="seals"),
        asyncio.create_task(runner.run(), name="jobs"),
        asyncio.create_task(_send_mails(database, mailer), name="mails"),
        *(
            asyncio.create_task(_deliver(database, outbound), name=f"webhooks-{number}")
            for number in range(WEBHOOKS_AT_ONCE)
        ),
        asyncio.create_task(_look_at_queues(database), name="queues"),
        asyncio.create_task(keep_record(database, settings, load_keys(settings)), name="record"),
    ]
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, _cancel, tasks)
    logger.info("worker_started", mails="smtp" if mailer else "local sink")
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        # None ends by itself: what ended one ends the process, and the supervisor starts another.
        _cancel(tasks)
        for outcome in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(outcome, Exception):
                logger.critical("worker_crashed", exc_info=outcome)
                raise outcome
    finally:
        await database.dispose()
        await bells.stop()
        if redis is not None:
            await redis.aclose()
    logger.info("worker_stopped")


def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()


async def _make_orphaned_seals(database: Database) -> None:
    while True:
        try:
            if not await counted("seals", _seal_one(database)):
                await asyncio.sleep(SEAL_POLL_SECONDS)
        except (SQLAlchemyError, OSError) as error:
            logger.warning("worker_waits_for_database", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)


async def _seal_one(database: Database) -> bool:
    """Make a seal whose job never came: an older version asked for it."""
    return bool(await run_pending_seals(database, limit=1, waited=ORPHANED))


async def _look_at_queues(database: Database) -> None:
    """Say now and then how long the queues are: whichever worker is asked, it tells of all that wait."""
    while True:
        try:
            kinds = dict.fromkeys(known_kinds(), (0, 0.0)) | await queued_jobs(database)
            for kind, (length, oldest) in kinds.items():
                note_queue(kind, length, oldest)
            async with database.read_session() as session:
                note_queue("mails", *await queued_mails(session))
            note_queue("seals", *await queued_seals(database))
            note_queue("webhooks", *await queued_webhooks(database))
            note_webhooks(*await webhooks_behind(database))
        except (SQLAlchemyError, OSError) as error:
            logger.warning("queues_not_seen", error=type(error).__name__)
        await asyncio.sleep(QUEUE_SECONDS)


async def _send_mails(database: Database, mailer: Mailer | None) -> None:
    """Send what is due, beside the other work: an import of an hour must hold no mail back."""
    while True:
        try:
            if not await counted("mails", send_next(database, mailer)):
                await asyncio.sleep(MAIL_POLL_SECONDS)
        except (SQLAlchemyError, OSError) as error:
            logger.warning("mails_wait_for_database", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
        except KeysUnusable as error:
            # Mails wait for the key; imports go on without.
            logger.error("mails_wait_for_key", detail=str(error))
            await asyncio.sleep(RETRY_SECONDS)


async def _deliver(database: Database, outbound: Outbound) -> None:
    """Tell the receivers of webhooks what was committed, whatever one of them makes of it."""
    while True:
        try:
            if not await counted("webhooks", deliver_next(database, outbound)):
                await asyncio.sleep(WEBHOOK_POLL_SECONDS)
        except (SQLAlchemyError, OSError) as error:
            logger.warning("webhooks_wait_for_database", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)


def main() -> None:
    """Run a worker with the settings of the environment."""
    settings = get_settings()
    configure_logging(settings.log_format, settings.log_level)
    start_metrics(settings)
    stop_telemetry = start_telemetry(settings, "worker")
    try:
        asyncio.run(serve(settings))
    except KeysUnusable as error:
        logger.critical("master_key_missing", detail=str(error))
        raise SystemExit(1) from None
    finally:
        stop_telemetry()


if __name__ == "__main__":
    main()
