"""Where Redis is, as a setting says it: one server, one that Sentinels watch, or a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal
from urllib.parse import parse_qs, unquote, urlsplit

FORMS: Final = (
    "must be like redis://host:6379/0, unix:///path?db=0, redis+sentinel://host:26379,host:26379/name/0 "
    "or redis+cluster://host:6379,host:6379; rediss for TLS"
)
_PORTS: Final = {"single": 6379, "sentinel": 26379, "cluster": 6379}
_SCHEMES: Final[dict[str, Literal["single", "sentinel", "cluster"]]] = {
    "redis": "single",
    "rediss": "single",
    "unix": "single",
    "redis+sentinel": "sentinel",
    "rediss+sentinel": "sentinel",
    "redis+cluster": "cluster",
    "rediss+cluster": "cluster",
}


@dataclass(frozen=True)
class RedisPlace:
    """A Redis.

    Attributes:
        hosts: Servers, or the Sentinels, by name and port; empty for a socket.
        service: What Sentinels call the primary.
        username, password: Those of the servers; Sentinels are asked with the same.
    """

    kind: Literal["single", "sentinel", "cluster"]
    hosts: tuple[tuple[str, int], ...]
    tls: bool
    service: str
    database: int
    username: str | None
    password: str | None


def read_redis_url(url: str) -> RedisPlace:
    """Return what *url* names.

    Raises:
        ValueError: If it is of no form that is known, with the forms in its message.
    """
    scheme, separator, rest = url.partition("://")
    kind = _SCHEMES.get(scheme)
    if not separator or kind is None:
        raise ValueError(FORMS)
    if scheme == "unix":
        database = parse_qs(urlsplit(url).query).get("db", ["0"])[0]
        return RedisPlace(kind, (), False, "", _number(database), None, None)
    authority, _, path = rest.partition("?")[0].partition("/")
    login, _, hosts = authority.rpartition("@")
    username, has_password, password = login.partition(":")
    parts = [part for part in path.split("/") if part]
    service = parts.pop(0) if kind == "sentinel" and parts else ""
    if len(parts) > 1 or (kind == "sentinel") is not bool(service):
        raise ValueError(FORMS)
    database_number = _number(parts[0]) if parts else 0
    if kind == "cluster" and database_number:
        raise ValueError(f"a cluster has the database 0 alone; {FORMS}")
    return RedisPlace(
        kind,
        tuple(_host(host, _PORTS[kind]) for host in hosts.split(",")),
        scheme.startswith("rediss"),
        service,
        database_number,
        unquote(username) or None,
        unquote(password) if has_password else None,
    )


def _host(text: str, port: int) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    try:
        number = parts.port or port
    except ValueError:
        raise ValueError(FORMS) from None
    if not parts.hostname:
        raise ValueError(FORMS)
    return parts.hostname, number


def _number(text: str) -> int:
    if not text.isdecimal():
        raise ValueError(FORMS)
    return int(text)
