"""The ground that every test stands on: real PostgreSQL and Valkey, one migrated template, a database a worker."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from reqtrail.platform.crypto.keyring import new_key_text
from reqtrail.platform.settings import Settings
from tests.fixtures.engines import Engines, run_folder

pytest_plugins = ("tests.fixtures.api", "tests.fixtures.doctor")

# Where root may make no user namespace, engines keep their data here: it goes away with the test run.
os.environ["REQTRAIL_RUNTIME_DIR"] = str(run_folder() / "runtime")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the tests marked as early before the others of each worker: one that is the last keeps a core waiting.

    xdist gives the workers equal parts of this list at first, and each runs its own from the front.
    """
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    early = [item for item in items if item.get_closest_marker("early")]
    others = [item for item in items if not item.get_closest_marker("early")]
    items.clear()
    for number in range(workers):
        first, end = (len(others) * part // workers for part in (number, number + 1))
        items += early[number::workers] + others[first:end]


@pytest.fixture(scope="session")
def engines() -> Iterator[Engines]:
    """The engines of this test run. The last worker that leaves stops them."""
    shared = Engines(run_folder())
    shared.start()
    try:
        yield shared
    finally:
        shared.leave()


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
    """The URL of a Valkey database that this worker has for itself, or of what REQTRAIL_TEST_REDIS_URL names."""
    given = os.environ.get("REQTRAIL_TEST_REDIS_URL")
    if given:
        return given
    number = int(worker[2:]) + 1 if worker.startswith("gw") else 0
    return engines.valkey.url(number)


@pytest.fixture(scope="session")
def settings(
    database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """Settings of an instance under test: cheap password hashes, no demo project."""
    return Settings(
        home=tmp_path_factory.mktemp("home"),
        secret_key=SecretStr(secrets.token_urlsafe(48)),
        database_url=database_url,
        redis_url=redis_url,
        master_keys=SecretStr(new_key_text()),  # whatever home an application of this database has
        bcrypt_rounds=4,
        demo=False,
        outbound_allow=("127.0.0.1",),
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
