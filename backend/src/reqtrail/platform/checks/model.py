"""Checks, what they look at, and what they find."""

from __future__ import annotations

import asyncio
import os
import threading
import traceback
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

from asyncpg.exceptions import PostgresError
from sqlalchemy.exc import SQLAlchemyError

from reqtrail.platform.database.engine import Database
from reqtrail.platform.settings import Settings

Result = TypeVar("Result")

DISPOSE_SECONDS: Final = 2.0


class Outcome(StrEnum):
    """What came of a check, from good to bad."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True)
class Finding:
    """One thing that a check found.

    Attributes:
        code: Stable, for programs: ``ok``, or the name of what is wrong.
        message: A sentence that says how it is.
        advice: What to do about it; empty if there is nothing to do.
        details: Numbers and names, for programs.
    """

    outcome: Outcome
    code: str
    message: str
    advice: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


def fine(message: str, **details: Any) -> Finding:
    """Return the finding that all is well."""
    return Finding(Outcome.OK, "ok", message, "", details)


def warning(code: str, message: str, advice: str, **details: Any) -> Finding:
    """Return the finding of something that works, but should not stay so."""
    return Finding(Outcome.WARNING, code, message, advice, details)


def failed(code: str, message: str, advice: str, **details: Any) -> Finding:
    """Return the finding of something that does not work, or is not safe."""
    return Finding(Outcome.FAILED, code, message, advice, details)


@dataclass
class Installation:
    """What is looked at.

    Attributes:
        settings: Those of the environment; a setting that is not valid has its default here.
        invalid: What is wrong with each of those that are not valid, by their names in ``Settings``.
        environment: The ``REQTRAIL_*`` variables.
        runtime: What a running ``reqtrail up`` says of itself; empty if none does.
        database_url, redis_url: Of the settings, or of the running local instance.
        seconds: How long one check may take.
        database: The open database, once the check of it could connect.
    """

    settings: Settings
    invalid: Mapping[str, str]
    environment: Mapping[str, str]
    runtime: Mapping[str, Any]
    database_url: str | None
    redis_url: str | None
    seconds: float
    database: Database | None = None

    @property
    def owner_url(self) -> str | None:
        """The database with the login that owns the tables."""
        return self.settings.migration_database_url or self.database_url

    @property
    def has_embedded_postgres(self) -> bool:
        """Whether the database is the one that ``reqtrail up`` runs, which nobody else can reach."""
        return bool(self.runtime.get("embedded_postgres")) and self.settings.database_url is None

    def opened(self) -> Database:
        """Return the open database; only for checks that need it."""
        assert self.database is not None
        return self.database

    async def close(self) -> None:
        """Close what is open, without waiting long for a server that stands still."""
        if self.database is not None:
            with suppress(SQLAlchemyError, OSError):
                async with asyncio.timeout(DISPOSE_SECONDS):
                    await self.database.dispose()


Examine = Callable[[Installation], Awaitable[Finding | list[Finding]]]


@dataclass(frozen=True)
class Check:
    """One check.

    Attributes:
        name: Stable, for programs.
        title: For people.
        needs: The checks without which this one cannot tell anything.
        examine: Looks, and says what it found.
    """

    name: str
    title: str
    examine: Examine
    needs: tuple[str, ...] = ()


async def run_checks(
    installation: Installation, checks: Iterable[Check]
) -> AsyncGenerator[tuple[Check, Finding], None]:
    """Yield what each check finds, one check after the other; none keeps the others from being made."""
    unusable: dict[str, Check] = {}
    for check in checks:
        causes = [unusable[name] for name in check.needs if name in unusable]
        if causes:
            found = [
                warning(
                    "not_checked", f"Not checked: see “{causes[0].title}”.", "Put that right first."
                )
            ]
        else:
            found = await _examine(check, installation)
        if causes or any(one.outcome is Outcome.FAILED for one in found):
            unusable[check.name] = check
        for one in found:
            yield check, one


async def _examine(check: Check, installation: Installation) -> list[Finding]:
    try:
        async with asyncio.timeout(installation.seconds):
            found = await check.examine(installation)
    except TimeoutError:
        return [
            failed(
                "timed_out",
                f"There was no answer within {installation.seconds:g} s.",
                "Find out what stands still there, or allow more with --timeout.",
            )
        ]
    except (SQLAlchemyError, PostgresError) as error:
        # The driver's own errors are not translated where a connection is made anew.
        cause = str(getattr(error, "orig", None) or error or type(error).__name__)
        return [
            failed(
                "database_refused",
                f"PostgreSQL did not do what the check asked for: {cause.splitlines()[0].rstrip('.')}.",
                "See PostgreSQL's log; run this again if the connection was lost.",
            )
        ]
    except OSError as error:
        return [
            failed(
                "system_refused",
                f"The system refused what the check asked for: {_told(error)}.",
                "Run this as the user that runs Reqtrail; run it again if a connection was lost.",
            )
        ]
    except Exception as error:  # whatever it is, the other checks must be made
        return [
            failed(
                "check_crashed",
                f"The check itself failed ({type(error).__name__} at {_place_of(error)}).",
                "Report this line as an error of Reqtrail.",
            )
        ]
    return found if isinstance(found, list) else [found]


def _told(error: OSError) -> str:
    reason = error.strerror or type(error).__name__
    return f"{reason} ({error.filename})" if error.filename else reason


def _place_of(error: Exception) -> str:
    """Return where an error was raised, or the last place before that is ours: no text of it, which may be a secret."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [one for one in frames if f"{os.sep}reqtrail{os.sep}" in one.filename] or [*frames]
    return f"{Path(ours[-1].filename).name}:{ours[-1].lineno}"


async def in_thread(function: Callable[[], Result]) -> Result:
    """Return what *function* returns, which may wait for a disk.

    The thread dies with the process. That of ``asyncio.to_thread`` would keep the process from ending if a network
    disk stands still.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[Result] = loop.create_future()

    def settle(end: Callable[[], None]) -> None:
        if not answer.done():
            end()

    def work() -> None:
        try:
            end = partial(answer.set_result, function())
        except Exception as error:  # handed on as it is to whoever awaits the answer
            end = partial(answer.set_exception, error)
        with suppress(RuntimeError):  # nobody waits any more, and the loop is closed
            loop.call_soon_threadsafe(settle, end)

    threading.Thread(target=work, daemon=True).start()
    return await answer
