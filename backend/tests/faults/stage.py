"""A whole system under a load of reads, writes and jobs is disturbed, and then looked at: one story for every fault."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from reqtrail.kit import clock
from tests.fixtures.hooks import Sink, untold
from tests.fixtures.job_load import AGAIN_SECONDS, Asker, jobs_of, reqif, too_many, unended
from tests.fixtures.ledger import Caller, Ledger, Place, Writer
from tests.fixtures.probing import Prober, Revoker, SignIn, Truth
from tests.fixtures.system import LAG_SECONDS, System, until
from tests.fixtures.watching import Board, Editor, Reader

WRITERS: Final = 3
WELL_SECONDS: Final = 90.0
"""How long after the end of a fault all is well again by itself, on a busy machine; a process takes time to begin."""
SETTLE_SECONDS: Final = 60.0
"""How long what was asked for may take once nobody asks for more."""
PROGRESS_SECONDS: Final = 60.0
OBJECTS: Final = 1_000
LARGE: Final = "LRG"
PASSWORD: Final = "correct horse battery"

Threads = list[Writer | Editor | Reader | Asker | Prober]


@dataclass(frozen=True)
class Fault:
    """One way to disturb a system.

    Attributes:
        happens: Begins it, and ends it with the block.
        truth: What the health checks may say meanwhile.
    """

    name: str
    happens: Callable[[Stage], AbstractContextManager[None]]
    truth: Truth = Truth()


@dataclass
class Report:
    """What one story came to.

    Attributes:
        well_after: Seconds from the end of each fault until all was well.
        longest_gap: Seconds in which nothing was acknowledged.
    """

    faults: list[str]
    pause: float
    seed: int
    finished: str = ""
    seconds: float = 0.0
    acknowledged: int = 0
    longest_gap: float = 0.0
    refusals: dict[str, int] = field(default_factory=dict)
    reads: dict[str, int] = field(default_factory=dict)
    jobs: int = 0
    jobs_run_again: int = 0
    told: int = 0
    told_again: int = 0
    sign_ins_refused: int = 0
    well_after: dict[str, float] = field(default_factory=dict)
    complaints: list[str] = field(default_factory=list)


class Stage:
    """The load on a system, and what is known of it.

    Attributes:
        large: The path of a project whose verification takes some seconds.
        checks: What faults want looked at in the end, when the load is over; each returns complaints.
    """

    def __init__(self, system: System, stack: ExitStack, seed: int) -> None:
        self.system = system
        self._stack = stack
        self.chance = random.Random(seed)
        self._key = f"L{self.chance.randrange(16**5):05X}{system.next_number()}"
        self.client = self._client(0)
        self.place = Place.prepare(self.client, self._key)
        self.large = prepare_large(self.client)
        self._older = frozenset(jobs_of(self.client, self.large))
        self.ledger, self.board = Ledger(), Board(LAG_SECONDS)
        self.sink = stack.enter_context(Sink().serving())
        hook = {"name": "Chat", "url": self.sink.url}
        self.client.post(f"{self.place.path}/webhooks", json=hook).raise_for_status()
        self.asker = Asker(self._caller(1), self.place, self.large)
        self.probers = [Prober(self._client(number), number) for number in range(2)]
        self._first_readers = [self._reader(number, "first read") for number in range(2)]
        self._sign_ins: list[SignIn] = []
        self._revokers: list[Revoker] = []
        self._spans: list[tuple[datetime, datetime]] = []
        self.checks: list[Callable[[], list[str]]] = []
        self.complaints: list[str] = []
        self.well_after: dict[str, float] = {}

    def _client(self, number: int, token: str = "") -> httpx.Client:
        return self._stack.enter_context(self.system.client(number, token))

    def _caller(self, first: int) -> Caller:
        return Caller([self._client(0), self._client(1)], self.ledger, first)

    def _reader(self, number: int, name: str) -> Reader:
        return Reader(self._client(number), f"{name} at api{number}", self.place, self.board)

    def _newest(self) -> int:
        page = self.client.get(f"{self.place.path}/commits", params={"limit": 1})
        return int(page.raise_for_status().json()["commits"][0]["seq"])

    @contextmanager
    def load(self) -> Iterator[None]:
        """Write, read and ask for jobs within the context."""
        threads: Threads = [
            *(
                Writer(self._caller(number), f"writer {number}", self.place, self.ledger)
                for number in range(WRITERS)
            ),
            Editor(self._caller(1), self.place, self.ledger, self.board),
            *(self._reader(number, "reader") for number in range(2)),
            self.asker,
            *self.probers,
        ]
        for thread in threads:
            thread.start()
        try:
            self.progress()
            yield
            self.progress()
        finally:
            for ending in (*threads, *self._revokers):
                ending.end()
            for ending in (*threads, *self._revokers):
                ending.join()

    def progress(self) -> None:
        """Wait until more was acknowledged, by all who write on average."""
        wanted = len(self.ledger.at) + 3 * WRITERS

        def told() -> str:
            return f"nothing is saved: {self.ledger.refusals}\n{self.system.logs()}"

        until(lambda: len(self.ledger.at) >= wanted, told, PROGRESS_SECONDS)

    def undergo(self, fault: Fault, pause: float) -> None:
        """Have a fault happen, last, and end; wait until all is well again."""
        sign_in = self._sign_in()
        before = [len(prober.samples) for prober in self.probers]
        began_at = clock.now()
        revoker = Revoker(self._caller(0), sign_in)
        with fault.happens(self):
            began = time.monotonic()
            self._revokers.append(revoker)
            revoker.start()
            time.sleep(pause)
            ended = time.monotonic()
        over = time.monotonic()
        self._spans.append((began_at, clock.now()))
        for reader in self._first_readers:
            reader.read_all()
        try:
            until(lambda: not self.system.ailments(), lambda: "not well", WELL_SECONDS)
            self._replicas_are_read()
        except AssertionError as error:
            self.complaints.append(f"{fault.name}: not well: {self.system.ailments()} {error}")
        self.well_after[fault.name] = round(time.monotonic() - over, 1)
        samples = [
            sample
            for prober, count in zip(self.probers, before, strict=True)
            for sample in prober.samples[count:]
            if began <= sample.began < ended
        ]
        wrong = fault.truth.untrue(samples, ended)
        self.complaints += [f"{fault.name}: {each}" for each in wrong]
        self._sign_ins.append(sign_in)

    def _replicas_are_read(self) -> None:
        """Wait until each API process has read from a replica again: else its readers prove nothing of those."""
        before = [self.system.reads_of_replicas(number) for number in range(2)]
        until(
            lambda: all(
                self.system.reads_of_replicas(number) > count for number, count in enumerate(before)
            ),
            lambda: f"no replica is read: {before}",
            WELL_SECONDS,
        )

    def _sign_in(self) -> SignIn:
        """Have somebody sign in, who is known to all API processes."""
        mail = f"{self._key}-{len(self._sign_ins)}@example.org".lower()
        body = {"email": mail, "display_name": "Somebody", "password": PASSWORD}
        made = self.client.post("/api/v1/users", json=body).raise_for_status().json()
        token = ""
        for number in range(2):
            signing = {"email": mail, "password": PASSWORD}
            answer = self._client(number).post("/api/v1/auth/sign-in", json=signing)
            token = token or answer.raise_for_status().json()["access_token"]
        clients = [self._client(number, token) for number in range(2)]
        for client in clients:
            client.get("/api/v1/me").raise_for_status()
        return SignIn(made["id"], clients)

    def settle(self) -> None:
        """Look at what came of everything, once the load is over."""
        for check in self.checks:
            self.complaints += check()
        for path, asked in self.asker.asked.items():
            self.complaints += self._jobs(path, asked)
        self.complaints += self.place.complaints(self.client, self.ledger)
        self.complaints += self.board.complaints
        commits = range(self.place.since + 1, self._newest() + 1)
        self._wait(lambda: not untold(self.sink.tellings, commits))
        self.complaints += untold(self.sink.tellings, commits)
        for sign_in in self._sign_ins:
            self.complaints += sign_in.complaints
            if set(sign_in.refusals) != {0, 1}:
                self.complaints.append(f"a sign-in was refused by {sign_in.refusals}")

    def _jobs(self, path: str, asked: set[str]) -> list[str]:
        def of_story() -> dict[str, dict[str, Any]]:
            # The large project is there for all stories.
            found = jobs_of(self.client, path).items()
            return {name: job for name, job in found if name not in self._older}

        self._wait(lambda: not unended(asked, of_story()))
        found = of_story()
        wrong = [*unended(asked, found), *too_many(asked, self.asker.unsure, found)]
        again = [job for job in found.values() if job["attempts"] > 1]
        self.system.run_again += len(again)
        return [*wrong, *(late for job in again for late in late_again(job, self._spans))]

    def _wait(self, holds: Callable[[], bool]) -> None:
        """Wait until *holds*; whoever looks afterwards says what is wrong if it never does."""
        deadline = time.monotonic() + SETTLE_SECONDS
        while not holds() and time.monotonic() < deadline:
            time.sleep(0.2)

    def report(self, report: Report) -> None:
        """Write into *report* what this story came to."""
        tellings = self.sink.tellings
        report.acknowledged = len(self.ledger.at)
        report.longest_gap = round(self.ledger.longest_gap(), 1)
        report.refusals = dict(self.ledger.refusals)
        report.reads = dict(self.board.reads)
        report.jobs = sum(map(len, self.asker.asked.values()))
        report.told = len(tellings)
        report.told_again = len(tellings) - len({one.seq for one in tellings})
        refused: Counter[int] = Counter()
        for sign_in in self._sign_ins:
            refused.update(sign_in.refusals)
        report.sign_ins_refused = refused.total()
        report.well_after = self.well_after
        report.complaints = self.complaints


def late_again(job: dict[str, Any], spans: Sequence[tuple[datetime, datetime]]) -> list[str]:
    """Return a complaint if an interrupted job was taken up later than it has to be after the end of a fault."""
    started, limit = datetime.fromisoformat(job["started_at"]), timedelta(seconds=AGAIN_SECONDS)
    if any(began <= started <= ended + limit for began, ended in spans):
        return []
    return [f"job {job['id']} was run again too late: {job['started_at']}"]


def prepare_large(client: httpx.Client) -> str:
    """Return the path of the project whose jobs take long; it is made when it is needed first."""
    path = f"/api/v1/projects/{LARGE}"
    if client.get(path).status_code == 404:
        client.post("/api/v1/projects", json={"key": LARGE, "name": "Large"}).raise_for_status()
        begun = begin_import(client, path)
        until(lambda: client.get(begun).json()["state"] == "done", lambda: "no import")
    return path


def begin_import(client: httpx.Client, path: str) -> str:
    """Ask for the import of a large file; return where it can be looked at."""
    files = {"file": ("large.reqif", reqif(OBJECTS))}
    answer = client.post(f"{path}/imports", files=files, data={"mode": "commit"}, timeout=60)
    return f"{path}/imports/{answer.raise_for_status().json()['id']}"


def play(
    system: System,
    faults: Sequence[Fault],
    pause: float,
    seed: int,
    afterwards: Callable[[Stage], None] = lambda stage: None,
) -> Report:
    """Play one story: load, the faults one after the other, load, and what came of it.

    Args:
        afterwards: Called at the end, when all has been looked at.
    """
    report, began = Report([fault.name for fault in faults], pause, seed), time.monotonic()
    before = system.run_again
    with ExitStack() as stack:
        stage = Stage(system, stack, seed)
        with stage.load():
            for fault in faults:
                stage.undergo(fault, pause)
                stage.progress()
        stage.settle()
        stage.report(report)
        afterwards(stage)
    report.jobs_run_again = system.run_again - before
    report.seconds = round(time.monotonic() - began, 1)
    report.finished = clock.now().isoformat(timespec="seconds")
    return report
