"""Looking at an installation as a whole: its settings, its database and what else it needs, and what runs of it."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final
from urllib.parse import unquote

import orjson
from pydantic import ValidationError

from reqtrail.bootstrap.checks import CHECKS as INNER_CHECKS
from reqtrail.bootstrap.wiring import register_all
from reqtrail.entrypoints.running_checks import CHECKS as RUNNING_CHECKS
from reqtrail.platform.checks.model import Check, Finding, Installation, run_checks
from reqtrail.platform.settings import Settings

CHECKS: Final = (*INNER_CHECKS, *RUNNING_CHECKS)
HIDDEN: Final = "•••"
FEWEST_HIDDEN: Final = 4
"""Shorter texts are in too many words to be taken for secrets."""
NOT_HIDDEN: Final = frozenset({"reqtrail", "postgres", "password"})
"""Words of every other sentence, which say nothing of whose password they are."""
_PASSWORDS: Final = tuple(
    map(
        re.compile,
        (
            r"://[^/@\s]*?:([^@\s]+)@",
            r"[?&]password=([^&\s]+)",
            r'"client_secret"\s*:\s*"([^"]+)"',
        ),
    )
)
"""In an address before its host or behind it, and in what a provider of single sign-on gave."""
_SECRET_VARIABLES: Final = re.compile(r"KEYS?$|PASSWORD$|TOKEN$|SECRET")
_PARTS: Final = re.compile(r"[\s,]+")


def look_at(environment: Mapping[str, str], seconds: float) -> Installation:
    """Return the installation that *environment* describes; *seconds* is how long one check may take."""
    settings, invalid = _settings()
    runtime = _runtime(settings)
    ours = {name: value for name, value in environment.items() if name.startswith("REQTRAIL_")}
    return Installation(
        settings=settings,
        invalid=invalid,
        environment=ours,
        runtime=runtime,
        database_url=settings.database_url or runtime.get("database_url"),
        redis_url=settings.redis_url or runtime.get("redis_url"),
        seconds=seconds,
    )


async def diagnose(installation: Installation) -> AsyncGenerator[tuple[Check, Finding], None]:
    """Yield what each check finds, without any secret in it."""
    register_all()
    # No check says a secret; what an engine or a library answers is not ours to know.
    secrets = sorted({*_secrets(installation)}, key=len, reverse=True)
    try:
        async with aclosing(run_checks(installation, CHECKS)) as found:
            async for check, finding in found:
                yield check, _without(finding, secrets)
    finally:
        await installation.close()


def _settings() -> tuple[Settings, dict[str, str]]:
    """Return the settings and what is wrong with those that are not valid, which have their defaults."""
    invalid: dict[str, str] = {}
    defaults: dict[str, Any] = {}
    while True:
        try:
            return Settings(**defaults), invalid
        except ValidationError as error:
            # What is wrong with several settings together names none: the one of them that can be left out goes.
            names = {
                str(one["loc"][0]) if one["loc"] else "smtp_password" for one in error.errors()
            }
            if names <= invalid.keys():
                raise  # what is wrong is none of the settings
            for name in names - invalid.keys():
                field = Settings.model_fields[name]
                defaults[name] = field.get_default(call_default_factory=True)
                invalid[name] = _complaint(error, name)


def _complaint(error: ValidationError, name: str) -> str:
    """Return what is wrong with a setting, without its value."""
    wrong = [one for one in error.errors() if not one["loc"] or str(one["loc"][0]) == name]
    return f"REQTRAIL_{name.upper()}: {wrong[0]['msg']}."


def _runtime(settings: Settings) -> dict[str, Any]:
    try:
        found = orjson.loads(settings.runtime_file.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _secrets(installation: Installation) -> Iterator[str]:
    """Yield the texts that must not be shown: as they are written, and as an address spells them out."""
    for name, value in installation.environment.items():
        if _SECRET_VARIABLES.search(name):
            yield from _long([value, *_PARTS.split(value)])
    addresses = [*installation.environment.values(), *map(str, installation.runtime.values())]
    for address in addresses:
        for pattern in _PASSWORDS:
            for found in pattern.findall(address):
                yield from _long([found, unquote(found)])


def _long(texts: list[str]) -> Iterator[str]:
    yield from (text for text in texts if len(text) >= FEWEST_HIDDEN and text not in NOT_HIDDEN)


def _without(finding: Finding, secrets: list[str]) -> Finding:
    def hidden(value: Any) -> Any:
        if isinstance(value, list):
            return [hidden(one) for one in value]
        if not isinstance(value, str):
            return value
        for secret in secrets:
            value = value.replace(secret, HIDDEN)
        return value

    return replace(
        finding,
        message=hidden(finding.message),
        advice=hidden(finding.advice),
        details={name: hidden(value) for name, value in finding.details.items()},
    )
