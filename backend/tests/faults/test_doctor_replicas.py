"""What ``reqtrail doctor`` says of replicas: real ones that follow, stand still, are promoted, or are no replicas."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from reqtrail.platform.crypto.keyring import new_key_text
from tests.fixtures.doctor import Site
from tests.fixtures.engines import Engines
from tests.fixtures.instance import free_port
from tests.fixtures.standby import Server, Standby, caught_up, replicated


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[Server, list[Standby]]]:
    with replicated(2) as made:
        yield made


@pytest.fixture
def replicated_site(servers: tuple[Server, list[Standby]], tmp_path: Path, redis_url: str) -> Site:
    primary, (standby, _) = servers
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    return Site(
        {
            "REQTRAIL_HOME": str(home),
            "REQTRAIL_DATABASE_URL": primary.url(),
            "REQTRAIL_DATABASE_REPLICA_URLS": standby.url(),
            "REQTRAIL_DATABASE_REPLICA_LAG_SECONDS": "1",
            "REQTRAIL_REDIS_URL": redis_url,
            "REQTRAIL_SECRET_KEY": secrets.token_urlsafe(48),
            "REQTRAIL_MASTER_KEYS": new_key_text(),
            "REQTRAIL_AUDIT_KEYS": new_key_text(),
            "NO_COLOR": "1",
        }
    )


def finds(site: Site, **settings: str | None) -> dict[str, str]:
    return site.finds("database.replicas", "--timeout", "15", **settings)


def test_what_is_said_of_replicas(
    replicated_site: Site, servers: tuple[Server, list[Standby]], engines: Engines
) -> None:
    site = replicated_site
    primary, (standby, other) = servers
    assert finds(site) == {"ok": "ok"}
    assert finds(site, database_replica_urls=None) == {"ok": "ok"}
    assert finds(site, redis_url=None) == {"ok": "ok", "replicas_without_redis": "warning"}
    assert finds(site, database_replica_urls=primary.url()) == {"replica_promoted": "warning"}
    elsewhere = engines.postgres.url("postgres")
    assert finds(site, database_replica_urls=elsewhere) == {"replica_of_another": "warning"}
    nowhere = f"postgresql://someone@127.0.0.1:{free_port()}/reqtrail"
    both = f"{standby.url()} {nowhere}"
    assert finds(site, database_replica_urls=both) == {
        "ok": "ok",
        "replica_unreachable": "warning",
    }
    standby.pause()
    primary.ask("CREATE TABLE IF NOT EXISTS something_new (id int)")
    said = site.look("--timeout", "15")["database.replicas"]
    assert [(one["code"], one["outcome"]) for one in said] == [("replica_behind", "warning")]
    assert said[0]["details"]["bytes"] > 0 and "1 s" in said[0]["message"]
    standby.resume()
    assert caught_up(primary, standby)
    assert finds(site) == {"ok": "ok"}
    other.promote()
    assert finds(site, database_replica_urls=other.url()) == {"replica_promoted": "warning"}
    # What was promoted is the primary now, and the standby of the old one does not follow it.
    assert finds(site, database_url=other.url()) == {"replica_of_another_timeline": "warning"}
