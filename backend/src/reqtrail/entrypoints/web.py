"""The API process: ``python -m reqtrail.entrypoints.web`` runs it with uvicorn."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any, Final

import structlog
import uvicorn
from fastapi import FastAPI
from pydantic import ValidationError
from sqlalchemy.exc import SQLAlchemyError

from reqtrail.api.app import build_app
from reqtrail.bootstrap.database import open_database
from reqtrail.bootstrap.housekeeping import SCHEDULES, make_partitions
from reqtrail.bootstrap.metadata import metadata
from reqtrail.bootstrap.vault import prepare_secrets
from reqtrail.bootstrap.wiring import register_all
from reqtrail.entrypoints.metrics import start_metrics
from reqtrail.entrypoints.protocol import GuardedProtocol, GuardedSocket
from reqtrail.entrypoints.telemetry import start_telemetry
from reqtrail.features.audit.public import load_keys
from reqtrail.features.collaboration.public import Live
from reqtrail.features.identity.public import (
    KeyRing,
    PasswordHasher,
    Providers,
    TokenSigner,
    TokenUse,
    admit_upload,
    rotate_old_signing_key,
)
from reqtrail.features.requirements.public import tell_uses, warm_up
from reqtrail.platform import shared_cache
from reqtrail.platform.auditing import Source, open_trail
from reqtrail.platform.background import end_task, keep_running
from reqtrail.platform.crypto import KeysUnusable
from reqtrail.platform.database.engine import Database
from reqtrail.platform.database.migrate import head_revision
from reqtrail.platform.guessing import Delays
from reqtrail.platform.jobs.scheduling import enrol
from reqtrail.platform.logging import configure_logging
from reqtrail.platform.rate_limit import Limiter
from reqtrail.platform.redis import make_redis
from reqtrail.platform.settings import Settings, WeakSecret, complaint, get_settings
from reqtrail.platform.throttle import Throttle

logger = structlog.get_logger()

USES_SECONDS = 30.0
"""How often a process tells the others which documents it has shown."""
HOUSEKEEPING_SECONDS = 24 * 3600
SHUTDOWN_SECONDS = 15
"""How long requests in flight may take to end when the process is asked to stop."""

EXIT_NOT_STARTED = 3

SERVER_OPTIONS: Final[dict[str, Any]] = {
    "log_config": None,
    "access_log": False,
    "http": GuardedProtocol,
    "ws": GuardedSocket,
    "server_header": False,
    "ws_max_size": 16_384,
    "ws_per_message_deflate": False,
    "proxy_headers": False,  # the edge reads them, from the proxies that the settings trust
    "timeout_graceful_shutdown": SHUTDOWN_SECONDS,
}
"""How uvicorn serves the application; sizes are in bytes."""


def create_app(settings: Settings, at_end: Callable[[], None] = lambda: None) -> FastAPI:
    """Return the application. It connects when it starts (ASGI lifespan), not here.

    Args:
        at_end: Called when all else has ended: uvicorn leaves the process to the signal that stopped it.

    Raises:
        ValueError: If the settings name no database.
    """
    if settings.database_url is None:
        raise ValueError(
            "REQTRAIL_DATABASE_URL is not set; `reqtrail up` starts a database of its own"
        )
    register_all()
    app = build_app(settings, _lifespan)
    app.state.at_end = at_end
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    configure_logging(settings.log_format, settings.log_level)
    assert settings.database_url is not None
    async with AsyncExitStack() as stack:
        stack.callback(app.state.at_end)
        database = open_database(settings)
        stack.push_async_callback(database.dispose)
        if database.replicas is not None:
            database.replicas.start()
        if database.marks is not None:
            database.marks.start()
        app.state.database = database
        try:
            await prepare_secrets(database, settings)
        except KeysUnusable as error:
            logger.critical("master_key_missing", detail=str(error))
            raise
        app.state.seal_keys = load_keys(settings)
        app.state.schema_head = head_revision()
        app.state.hasher = PasswordHasher(settings.bcrypt_rounds, settings.bcrypt_pool)
        stack.callback(app.state.hasher.close)
        keys = KeyRing(database)
        await keys.start()
        stack.push_async_callback(keys.stop)
        app.state.signer = TokenSigner(keys, settings.secret(), settings.access_token_minutes)
        app.state.providers = Providers(settings.sign_in_providers)
        stack.push_async_callback(app.state.providers.close)
        app.state.limiter = Limiter(settings.redis_url)
        stack.push_async_callback(app.state.limiter.close)
        app.state.delays = Delays(settings.redis_url)
        stack.push_async_callback(app.state.delays.close)
        app.state.redis = None
        if settings.redis_url is not None:
            app.state.redis = make_redis(settings.redis_url)
            stack.push_async_callback(app.state.redis.aclose)
        await _share_cache(stack, database, settings)
        app.state.live = Live(database, app.state.redis, app.state.signer)
        app.state.live.start()
        stack.push_async_callback(app.state.live.stop)
        app.state.admit_upload = admit_upload
        app.state.throttle = Throttle(app.state.redis)
        app.state.throttle.start()
        stack.push_async_callback(app.state.throttle.stop)
        app.state.token_use = TokenUse(database)
        app.state.token_use.start()
        stack.push_async_callback(app.state.token_use.stop)
        housekeeping = keep_running(partial(_keep_house, database, settings), "housekeeping")
        stack.push_async_callback(end_task, housekeeping)
        logger.info("api_started", tables=len(metadata.tables))
        yield
    logger.info("api_stopped")


async def _share_cache(stack: AsyncExitStack, database: Database, settings: Settings) -> None:
    """Let this process and others use what each has made, and begin with what was used most."""
    url = settings.redis_url if settings.cache_redis_url is None else settings.cache_redis_url
    if not url:
        return
    redis = make_redis(url, wait=shared_cache.WAIT_SECONDS, circuit="cache")
    stack.push_async_callback(redis.aclose)
    cache = shared_cache.SharedCache(redis)
    cache.attach(database)
    warming = keep_running(partial(_keep_warm, cache), "warming")
    stack.push_async_callback(end_task, warming)


async def _keep_warm(cache: shared_cache.SharedCache) -> None:
    logger.info("cache_warmed", outlines=await warm_up(cache))
    while True:
        await asyncio.sleep(USES_SECONDS)
        await tell_uses(cache)


async def _keep_house(database: Database, settings: Settings) -> None:
    """Make the partitions of the years ahead, now and once a day: without them every write would be refused.

    A signing key that has become old is replaced, by whichever process notices first.
    """
    while True:
        try:
            await make_partitions(settings)
            await enrol(database, SCHEDULES)  # so that it shows when no scheduler runs
            async with database.session() as session:
                open_trail(session, Source("rotate_signing_key", proof="system"))
                await rotate_old_signing_key(session, settings.signing_key_days)
            wait = HOUSEKEEPING_SECONDS
        except (SQLAlchemyError, OSError) as error:
            logger.warning("housekeeping_failed", error=type(error).__name__)
            wait = 60
        await asyncio.sleep(wait)


def main() -> None:
    """Serve until SIGINT or SIGTERM, then let requests in flight end."""
    try:
        settings = get_settings()
        settings.secret()
    except ValidationError as error:
        sys.exit(complaint(error))
    except WeakSecret as error:
        sys.exit(str(error))
    configure_logging(settings.log_format, settings.log_level)
    start_metrics(settings)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(settings, start_telemetry(settings, "api")),
            host=settings.host,
            port=settings.port,
            **SERVER_OPTIONS,
        )
    )
    inherited = None if settings.listen_fd is None else [socket.socket(fileno=settings.listen_fd)]
    with suppress(KeyboardInterrupt):  # it has ended in its order by then
        server.run(inherited)
    if not server.started:
        sys.exit(EXIT_NOT_STARTED)


if __name__ == "__main__":
    main()
