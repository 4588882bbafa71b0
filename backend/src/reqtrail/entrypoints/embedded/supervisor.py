"""``reqtrail up``: engines, migrations, the API and a worker in the foreground, until Ctrl-C."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType
from typing import Final

import httpx
import orjson
from alembic.util.exc import CommandError
from sqlalchemy.exc import OperationalError, ProgrammingError

from reqtrail.entrypoints.demo import load_demo
from reqtrail.entrypoints.embedded.errors import (
    EngineFailed,
    HomeTooNew,
    MasterKeyMissing,
    StartError,
    WallNotBuilt,
)
from reqtrail.entrypoints.embedded.home import Home, listen, take_port
from reqtrail.entrypoints.embedded.postgres import EmbeddedPostgres
from reqtrail.entrypoints.embedded.replicas import (
    MAX_RESTARTS,
    STOP_SECONDS,
    Replicas,
    Restarts,
)
from reqtrail.entrypoints.embedded.valkey import EmbeddedValkey
from reqtrail.entrypoints.first_start import Credentials, ensure_first_start
from reqtrail.platform.crypto import KeysUnusable
from reqtrail.platform.database.migrate import is_bound_by_policies, upgrade_to_head
from reqtrail.platform.database.walls import APP_ROLE
from reqtrail.platform.settings import Settings, WeakSecret, write_private

API_MODULE: Final = "reqtrail.entrypoints.web"
WORKER_MODULE: Final = "reqtrail.entrypoints.worker"
SCHEDULER_MODULE: Final = "reqtrail.entrypoints.scheduler"
WATCH_SECONDS: Final = 0.5
READY_SECONDS: Final = 180.0

Say = Callable[[str], None]


def run_up(settings: Settings, say: Say = print) -> int:
    """Run an instance until SIGINT or SIGTERM; return the exit code.

    Raises:
        StartError: If it cannot start; nothing is left running.
    """
    with ExitStack() as stack:
        home = stack.enter_context(Home(settings.home))
        _end_orphans(settings)
        listener = stack.enter_context(take_port(settings.host, settings.port))
        supervisor = Supervisor(settings, home, listener, say)
        stack.callback(supervisor.stop)
        supervisor.start()
        return supervisor.watch()


class Supervisor:
    """Starts what an instance needs, restarts what dies, stops everything at the end.

    It hands its own socket on to each API process: the system spreads connections over them, and those that come while
    one is started again wait instead of being refused.

    Args:
        listener: Bound to the instance's port; its owner closes it.
    """

    def __init__(self, settings: Settings, home: Home, listener: socket.socket, say: Say) -> None:
        self._settings = settings
        self._listener = listener
        self._say = say
        self._postgres = None if settings.database_url else EmbeddedPostgres(home.postgres)
        self._valkey = None if settings.redis_url else EmbeddedValkey(home.valkey)
        self._api = Replicas("api", API_MODULE, settings.api_processes)
        self._workers = Replicas("worker", WORKER_MODULE, settings.worker_processes)
        self._scheduler = Replicas("scheduler", SCHEDULER_MODULE, 1)
        self._stopping = threading.Event()
        self._engine_restarts = Restarts(MAX_RESTARTS)

    def start(self) -> None:
        """Start the engines, bring the database to the newest schema, start the API and, once it answers, a worker.

        Being asked to stop ends it after the step at hand.

        Raises:
            StartError: With a sentence that says what is wrong.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._ask_to_stop)
        began = time.monotonic()
        for step in (
            self._start_postgres,
            self._start_valkey,
            self._prepare_database,
            self._start_api,
            self._wait_until_ready,
            # Last, so that they do not compete with the API for the first seconds.
            self._start_workers,
            self._start_scheduler,
        ):
            try:
                step()
            except StartError:
                if not self._stopping.is_set():
                    raise  # else Ctrl-C also reached a child that was just being made, and ended it
            if self._stopping.is_set():
                return
        self._say(f"reqtrail   ready after {time.monotonic() - began:.1f} s: {self._url()}")

    def _start_postgres(self) -> None:
        if self._postgres is not None:
            self._postgres.start()
            self._settings.database_url = self._postgres.url()
            self._say(f"postgres   ready ({self._postgres.mode})")

    def _start_valkey(self) -> None:
        if self._valkey is not None:
            self._valkey.start()
            self._settings.redis_url = self._valkey.url()
            self._say("valkey     ready")

    def watch(self) -> int:
        """Restart what dies, until asked to stop; return the exit code.

        Raises:
            StartError: If something dies again and again.
        """
        while not self._stopping.wait(WATCH_SECONDS):
            if self._postgres is not None and self._postgres.running_pid() is None:
                self._say("postgres   died; recovering")
                self._count_engine_restart("PostgreSQL")
                self._postgres.start()
                self._say("postgres   recovered")
            # One that stands still may go on: what needs it does without meanwhile.
            if self._valkey is not None and not (
                self._valkey.process_pid() or self._valkey.running_pid()
            ):
                self._say("valkey     died; restarting")
                self._count_engine_restart("Valkey")
                self._valkey.start()
            self._restart_ended(self._api, self._start_api)
            self._restart_ended(self._workers, self._start_workers)
            self._restart_ended(self._scheduler, self._start_scheduler)
        self._say("reqtrail   stopping")
        return 0

    def stop(self) -> None:
        """Stop everything: requests in flight end first. Calling it again does nothing."""
        self._stopping.set()
        for replicas in (self._scheduler, self._workers, self._api):
            replicas.ask_to_stop()
        for replicas in (self._scheduler, self._workers, self._api):
            replicas.stop()
        if self._valkey is not None:
            self._valkey.stop()
        if self._postgres is not None:
            self._postgres.stop()
        self._settings.runtime_file.unlink(missing_ok=True)

    def _ask_to_stop(self, number: int, frame: FrameType | None) -> None:
        self._stopping.set()

    def _prepare_database(self) -> None:
        owner_url = self._settings.owner_url
        assert owner_url is not None
        try:
            upgrade_to_head(owner_url)
        except OperationalError as error:
            raise EngineFailed(f"The database cannot be reached: {error.orig}") from error
        except ProgrammingError as error:
            raise WallNotBuilt(
                "The login of the migrations may not do all that it must. It has to own the tables and, unless the role"
                f" {APP_ROLE} is there and granted to it, to make roles. ({error.orig})"
            ) from error
        except CommandError as error:  # Alembic does not know the revision that the database is at
            raise HomeTooNew(
                "The database has a newer schema than this version of Reqtrail knows. Upgrade Reqtrail,"
                f" or set REQTRAIL_HOME. ({error})"
            ) from error
        self._check_wall()
        try:
            made = ensure_first_start(self._settings, load_demo)
            self._settings.secret()
        except KeysUnusable as error:
            raise MasterKeyMissing(str(error)) from error
        except WeakSecret as error:
            raise StartError(str(error)) from None
        if made is not None:
            self._introduce(made)

    def _check_wall(self) -> None:
        """Refuse a login that would see every project, whoever asks."""
        url, role = self._settings.database_url, self._settings.database_role
        assert url is not None
        try:
            is_bound = is_bound_by_policies(url, role)
        except OperationalError as error:
            raise WallNotBuilt(
                f"The login of REQTRAIL_DATABASE_URL cannot work as the role {role}. Let it become that role:"
                f" GRANT {role} TO the login. ({error.orig})"
            ) from error
        if not is_bound:
            raise WallNotBuilt(
                "The login of REQTRAIL_DATABASE_URL is not bound by row-level security, so it would see every project."
                " Leave REQTRAIL_DATABASE_ROLE unset, or use a login that is no superuser, has no BYPASSRLS and is a"
                f" member of {APP_ROLE}."
            )

    def _introduce(self, made: Credentials) -> None:
        self._say("")
        self._say("  This is the first start. An administrator was made:")
        self._say(f"    e-mail    {made.email}")
        self._say(f"    password  {made.password}")
        self._say(f"  It is shown this once, and kept in {self._settings.credentials_file}.")
        self._say("")

    def _environment(self, process: int) -> dict[str, str]:
        """Return the settings of this instance for a process of the product; they are numbered from 0 on."""
        assert self._settings.database_url is not None
        metrics_port = self._settings.metrics_port
        own = {} if metrics_port is None else {"REQTRAIL_METRICS_PORT": str(metrics_port + process)}
        return {
            **own,
            "REQTRAIL_HOME": str(self._settings.home),
            "REQTRAIL_HOST": self._settings.host,
            "REQTRAIL_PORT": str(self._settings.port),
            "REQTRAIL_DATABASE_URL": self._settings.database_url,
            "REQTRAIL_REDIS_URL": self._settings.redis_url or "",
        }

    def _start_api(self) -> None:
        listen(self._listener)
        number = self._listener.fileno()

        def environment(process: int) -> dict[str, str]:
            return {**self._environment(process), "REQTRAIL_LISTEN_FD": str(number)}

        self._api.start(environment, [number])
        self._write_runtime()

    def _start_workers(self) -> None:
        self._workers.start(lambda process: self._environment(self._api.count + process))
        self._write_runtime()

    def _start_scheduler(self) -> None:
        number = self._api.count + self._workers.count
        self._scheduler.start(lambda process: self._environment(number + process))
        self._write_runtime()

    def _restart_ended(self, replicas: Replicas, start: Callable[[], None]) -> None:
        for code in replicas.take_ended():
            self._say(f"{replicas.name:<10} ended with code {code}; restarting")
            if replicas.restarts.is_one_too_many():
                raise StartError(
                    f"A process ({replicas.name}) ended again and again within a minute. Its messages are above."
                )
            start()

    def _write_runtime(self) -> None:
        runtime = {
            "url": self._url(),
            "pid": os.getpid(),
            "api_pids": self._api.pids,
            "worker_pids": self._workers.pids,
            "scheduler_pids": self._scheduler.pids,
            "database_url": self._settings.database_url,
            "redis_url": self._settings.redis_url,
            "embedded_postgres": self._postgres is not None,
        }
        write_private(self._settings.runtime_file, orjson.dumps(runtime).decode())

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and not self._stopping.is_set():
            if self._api.take_ended():
                raise StartError("The API ended right after its start; its messages are above.")
            try:
                if httpx.get(f"{self._url()}/api/v1/health/ready", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)
        if not self._stopping.is_set():
            raise StartError(f"The API is not ready after {READY_SECONDS:.0f} s.")

    def _count_engine_restart(self, name: str) -> None:
        if self._engine_restarts.is_one_too_many():
            raise StartError(
                f"{name} ended {MAX_RESTARTS} times within a minute. Its messages are above."
            )

    def _url(self) -> str:
        everywhere = {"0.0.0.0", "::"}  # nosec B104 - it is compared, not listened on
        host = "127.0.0.1" if self._settings.host in everywhere else self._settings.host
        return f"http://{host}:{self._settings.port}"


def _end_orphans(settings: Settings) -> None:
    """End the API processes, which still hold the port, and the workers of a supervisor that was killed.

    The caller holds the home. All processes are looked at: one that was just started when the supervisor was killed
    stands in no file yet.
    """
    pids = [int(each.name) for each in Path("/proc").glob("[0-9]*")]
    deadline = time.monotonic() + STOP_SECONDS
    number = signal.SIGTERM
    while orphans := [pid for pid in pids if _is_orphan_of(pid, settings)]:
        for pid in orphans:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        if time.monotonic() > deadline:
            number = signal.SIGKILL
        time.sleep(0.1)
    settings.runtime_file.unlink(missing_ok=True)


def _is_orphan_of(pid: int, settings: Settings) -> bool:
    """Return whether the process *pid* is one of this home: its number may be somebody else's by now."""
    process = Path(f"/proc/{pid}")
    try:
        alive = (process / "stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
        arguments = (process / "cmdline").read_bytes().split(b"\0")
        environment = (process / "environ").read_bytes().split(b"\0")
    except OSError:
        return False
    ours = {name.encode() for name in (API_MODULE, WORKER_MODULE, SCHEDULER_MODULE)} & {*arguments}
    return alive and bool(ours) and f"REQTRAIL_HOME={settings.home}".encode() in environment
