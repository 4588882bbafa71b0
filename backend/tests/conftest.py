"""The ground that every test stands on: real PostgreSQL and Valkey, one migrated template, a database a worker."""

from __future__ import annotations

import fcntl
import json
import os
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from reqtrail.entrypoints.embedded.postgres import EmbeddedPostgres
from reqtrail.entrypoints.embedded.valkey import EmbeddedValkey
from reqtrail.platform.database.migrate import upgrade_to_head
from reqtrail.platform.settings import Settings

TEMPLATE = "reqtrail_template"
FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "max_connections=200")
pytest_plugins = ("tests.fixtures.api",)


class Engines:
    """The PostgreSQL and the Valkey that the workers of one test run share."""

    def __init__(self, folder: Path) -> None:
        self.postgres = EmbeddedPostgres(folder / "pg", options=FAST)
        self.valkey = EmbeddedValkey(folder / "valkey")
        self._folder = folder

    def start(self) -> None:
        """Start the engines and migrate the template, once, whichever worker comes first."""
        self.postgres.start()
        self.valkey.start()
        with (self._folder / "template.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            if not self._exists(TEMPLATE):
                self.admin(f"CREATE DATABASE {TEMPLATE}_new")
                upgrade_to_head(self.postgres.url(f"{TEMPLATE}_new"))
                self.admin(f"ALTER DATABASE {TEMPLATE}_new RENAME TO {TEMPLATE}")

    def clone(self, name: str) -> str:
        """Make the database *name* anew from the template; return its URL."""
        self.admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        self.admin(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE} STRATEGY file_copy')
        return self.postgres.url(name)

    def admin(self, statement: str) -> None:
        """Run one statement that no transaction may hold."""
        with psycopg.connect(
            host=str(self.postgres.socket_dir), user="reqtrail", dbname="postgres", autocommit=True
        ) as connection:
            connection.execute(statement.encode())

    def _exists(self, name: str) -> bool:
        with psycopg.connect(
            host=str(self.postgres.socket_dir), user="reqtrail", dbname="postgres"
        ) as connection:
            found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
            return found.fetchone() is not None

    def stop(self) -> None:
        """End both engines."""
        self.postgres.stop()
        self.valkey.stop()


def _run_folder() -> Path:
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", f"solo-{os.getpid()}")
    return Path(tempfile.gettempdir()) / f"rt-{os.getuid()}-{re.sub('[^a-z0-9-]', '', run)[:12]}"


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """The engines of this test run. The last worker that leaves stops them."""
    folder = _run_folder()
    folder.mkdir(mode=0o700, exist_ok=True)
    users = folder / "users.json"
    _count(users, +1)
    started = Engines(folder)
    started.start()
    yield started
    if _count(users, -1) == 0:
        started.stop()


def _count(path: Path, step: int) -> int:
    with path.with_suffix(".lock").open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        number = (json.loads(path.read_text()) if path.exists() else 0) + step
        path.write_text(json.dumps(number))
        return int(number)


@pytest.fixture(scope="session")
def worker() -> str:
    """The name of this pytest worker: ``gw0``, ``gw1``, … or ``main``."""
    return os.environ.get("PYTEST_XDIST_WORKER", "main")


@pytest.fixture(scope="session")
def database_url(engines: Engines, worker: str) -> str:
    """The URL (asyncpg) of a migrated database that this worker has for itself."""
    return engines.clone(f"test_{worker}")


@pytest.fixture(scope="session")
def redis_url(engines: Engines, worker: str) -> str:
    """The URL of a Valkey database that this worker has for itself."""
    number = int(worker[2:]) + 1 if worker.startswith("gw") else 0
    return engines.valkey.url(number)


@pytest.fixture(scope="session")
def settings(
    database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings of an instance under test: cheap password hashes, no demo project."""
    return Settings(
        home=tmp_path_factory.mktemp("home"),
        database_url=database_url,
        redis_url=redis_url,
        bcrypt_rounds=4,
        demo=False,
        log_level="WARNING",
    )


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Asynchronous tests run on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """The folder of real data and corpora beside the clone; tests that need it skip without it."""
    folder = Path(__file__).resolve().parents[3] / "shared"
    if not (folder / "data").is_dir():
        pytest.skip("the shared data and corpora are not beside this clone")
    return folder
