"""Redis: what is wrong with it is a warning, since the product goes on without."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from redis.exceptions import AuthenticationError, NoPermissionError, RedisError

from reqtrail.platform.checks.model import Check, Finding, Installation, fine, warning
from reqtrail.platform.redis import make_redis

OLDEST: Final = 7
NEARLY_FULL: Final = 0.9


async def _redis(installation: Installation) -> Finding:
    url = installation.redis_url
    if not url:
        return warning(
            "redis_unknown",
            "No Redis is known: limits and live updates work within one process only.",
            "Start `reqtrail up`, or set REQTRAIL_REDIS_URL.",
        )
    try:
        client = make_redis(url)
    except ValueError:
        return warning(
            "redis_url_invalid",
            "The address of Redis cannot be read.",
            "Write REQTRAIL_REDIS_URL as redis://host:6379/0.",
        )
    try:
        server: Mapping[str, Any] = await client.info()
    except NoPermissionError:
        return warning(
            "redis_not_shown",
            "Redis answers, but its login may not use INFO: its version and its memory are not known.",
            "Allow the login the command INFO, if Redis is yours.",
        )
    except (RedisError, OSError) as error:
        if _is_refusal(error):
            return warning(
                "redis_login_refused",
                "Redis refuses the login, or wants one. Reqtrail goes on without Redis.",
                "Correct the user and the password in REQTRAIL_REDIS_URL.",
            )
        return warning(
            "redis_unreachable",
            f"Redis cannot be reached ({type(error).__name__}). Reqtrail goes on without it: limits and live"
            " updates work within one process only.",
            "See whether it runs, and whether REQTRAIL_REDIS_URL is right.",
        )
    finally:
        await client.aclose()
    return judge_server(server)


def _is_refusal(error: BaseException) -> bool:
    """Return whether Redis answered and wants another login: the client hides that in an error of the connection."""
    cause = error.__cause__ or error.__context__
    return (
        isinstance(error, AuthenticationError)
        or str(error).startswith(("HELLO must be called", "NOAUTH"))
        or (cause is not None and _is_refusal(cause))
    )


def judge_server(server: Mapping[str, Any]) -> Finding:
    """Return what is to say of a Redis that answers INFO with *server*."""
    version = str(server.get("redis_version", "0"))
    own = server.get("valkey_version")
    name = f"Valkey {own}" if own else f"Redis {version}"
    used, most = int(server.get("used_memory", 0)), int(server.get("maxmemory", 0))
    policy = str(server.get("maxmemory_policy", "noeviction"))
    details = {"version": version, "used_bytes": used, "maximum_bytes": most, "policy": policy}
    if int(version.partition(".")[0]) < OLDEST:
        return warning(
            "redis_too_old",
            f"Redis {version} is too old.",
            f"Upgrade it to version {OLDEST} or newer, or use Valkey.",
            **details,
        )
    if most and policy == "noeviction":
        share = used / most
        full = " It is nearly full." if share > NEARLY_FULL else ""
        return warning(
            "redis_never_evicts",
            f"Redis has {most // 1_000_000} MB and refuses to write when they are used up (noeviction).{full}",
            "Set maxmemory-policy to volatile-lru or allkeys-lru: what Redis holds can be lost.",
            **details,
        )
    if server.get("role") == "slave":
        return warning(
            "redis_replica",
            "This Redis is a replica, which cannot be written.",
            "Name the primary in REQTRAIL_REDIS_URL.",
            **details,
        )
    return fine(f"{name} answers; {used // 1_000_000} MB are in use.", **details)


CHECKS: Final = (Check("redis", "Redis", _redis),)
