"""Histories: some people, real processes, and what each of them saw, sent and heard.

A history is one project with a document of five items and three to five people. In each round everybody reads the
document or goes on with what they saw earlier, makes up an edit of it (``edits``), and all send theirs at the same
moment, each to either process. A write names the sequence that its author saw and carries an ``Idempotency-Key``. Most
are sent once; some are sent to both processes at once; some lose the connection before the answer, or before all of
the request is sent, and are sent again to the other process; and some are never heard of again.

In a history with a branch some people work on it, and it is updated from main and merged to it while they do. One
scene is always played: somebody opens an item on the branch, the branch is updated from main meanwhile, and then the
edit is saved with the sequence from before. At the end, when all is quiet, the branch is updated or merged once more.

The seed decides who does what. When each request meets the others is up to the processes, as in real life.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from tests.concurrency.content import Schema, Seen, new_id, start
from tests.concurrency.edits import Editor, Write
from tests.concurrency.wire import Answer, Api

MAIN, BRANCH = "main", "work"
HANG_UP_SECONDS = 0.012
PEOPLE = (3, 3, 4, 4, 5)
MAX_PREVIEWS = 4
SETUP = "setup"


@dataclass
class History:
    """What happened: everything that people sent, heard and saw.

    Attributes:
        reads: What people saw, each to be compared with what the commits say.
        failures: Answers that nobody should get, such as a 500, or a read that misses what was acknowledged.
        others: How many of each kind there are that nobody edits.
    """

    seed: int
    schema: Schema
    document: str
    branch_id: str | None = None
    writes: list[Write] = field(default_factory=list)
    reads: list[Seen] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    others: dict[str, int] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The address of its project."""
        return f"/projects/H{self.seed}"


class _Play:
    """A history while it happens."""

    def __init__(self, api: Api, history: History, rng: Random, editor: Editor) -> None:
        self.api = api
        self.history = history
        self.rng = rng
        self.editor = editor
        self._seen: dict[int, Seen] = {}
        self._acknowledged = {MAIN: 0, BRANCH: 0}

    async def read(self, person: int, branch: str) -> Seen:
        """Let somebody open the document; what was acknowledged by then must show, whichever process says it."""
        newest = self._acknowledged[branch]
        answer = await self.api.ask(
            person + self.rng.randrange(2),
            "GET",
            f"{self.history.path}/documents/{self.history.document}/rows",
            query={"at": branch},
        )
        assert answer.status == 200, answer.content
        seen = Seen.of(branch, answer.content)
        if seen.seq < newest:
            self.history.failures.append(f"{branch} was read at {seen.seq}, after {newest}")
        self.history.reads.append(seen)
        self._seen[person] = seen
        return seen

    async def round(self, homes: list[str]) -> None:
        """Everybody reads, or goes on with what they saw; then all write at once."""
        readers = [one for one in range(len(homes)) if self._is_due(one)]
        await asyncio.gather(*(self.read(one, homes[one]) for one in readers))
        work: list[Coroutine[Any, Any, None]] = []
        for person in range(len(homes)):
            if BRANCH in homes and self.rng.random() < 0.12:
                work.append(self.synchronise(self.rng.choice(("update", "update", "merge"))))
            else:
                work.append(self.send(self.editor.write(self._mark(), self._seen[person])))
        await asyncio.gather(*work)

    async def scene_of_a_moved_base(self, homes: list[str]) -> None:
        """Open an item on the branch, have the branch updated from main, then save.

        A commit on the branch makes what main wrote older than what is opened, though it is not to be seen there yet.
        """
        on_main, on_branch = homes.index(MAIN), homes.index(BRANCH)
        there = await self.read(on_main, MAIN)
        if not there.rows:
            return
        await self.send(self.editor.words_write(self._mark(), there))
        await self.send(self.editor.item_write(self._mark(), await self.read(on_branch, BRANCH)))
        here = await self.read(on_branch, BRANCH)
        if len(here.rows) < 2:
            return
        opened = self.editor.words_write(self._mark(), replace(here, rows=here.rows[1:]))
        await self.synchronise("update")
        await self.send(opened)

    def _is_due(self, person: int) -> bool:
        return person not in self._seen or self.rng.random() < 0.55

    def _mark(self) -> str:
        mark = f"h{self.history.seed}n{len(self.history.writes)}"
        self.history.writes.append(Write(mark, MAIN, None))  # takes the number
        return mark

    def _record(self, write: Write) -> None:
        number = int(write.mark.rpartition("n")[2])
        self.history.writes[number] = write

    # --- writes ---------------------------------------------------------------------------------------------------

    async def send(self, write: Write) -> None:
        """Send a write in one of the ways in which writes are sent, and remember what came of it."""
        self._record(write)
        (write.how,) = self.rng.choices(("sent", "twice", "again", "abandoned"), (66, 10, 14, 10))
        process, delay = self.rng.randrange(2), self.rng.random() * HANG_UP_SECONDS
        cut = self.rng.choice((0, 0, 0, 1))
        if write.how in ("again", "abandoned"):
            await self._hang_up(write, process, delay, cut)
        if write.how == "abandoned":
            return
        sends = [self._ask(write, process + 1)]
        if write.how == "twice":
            sends.append(self._ask(write, process))
        for answer in await asyncio.gather(*sends):
            self._hear(write, answer)

    async def _ask(self, write: Write, process: int) -> Answer:
        return await self.api.ask(
            process,
            write.method,
            self.history.path + write.path,
            write.body,
            query={"branch": write.branch},
            key=write.mark,
        )

    async def _hang_up(self, write: Write, process: int, delay: float, cut: int) -> None:
        await self.api.hang_up(
            process,
            write.method,
            self.history.path + write.path,
            write.body,
            query={"branch": write.branch},
            key=write.mark,
            after=delay,
            cut=cut,
        )

    def _hear(self, write: Write, answer: Answer) -> None:
        write.answers.append((answer.status, answer.content))
        if answer.status < 300:
            write.outcome = "acknowledged"
            ref = answer.content["ref"]
            self._acknowledged[ref["branch"]] = max(self._acknowledged[ref["branch"]], ref["seq"])
        elif answer.status >= 500 or answer.status in (400, 401, 403, 429):
            self.history.failures.append(f"{write.mark}: {answer.status} {answer.content}")
        elif write.outcome == "unknown":
            write.outcome = "refused"

    async def synchronise(self, direction: str) -> None:
        """Update the branch from main or merge it there, choosing sides where both disagree."""
        target = BRANCH if direction == "update" else MAIN
        write = Write(self._mark(), target, None, direction=direction)
        write.path = f"/branches/{self.history.branch_id}/merge"
        self._record(write)
        rng = Random(
            write.mark
        )  # of its own: when each answer comes shall not decide what others draw
        body: dict[str, Any] = {"direction": direction, "resolutions": []}
        for _ in range(MAX_PREVIEWS):
            plan = await self.api.ask(
                rng.randrange(2), "POST", f"{self.history.path}{write.path}-preview", body
            )
            if plan.status != 200:
                break  # what was chosen does not fit any more
            body |= {name: plan.content[name] for name in ("branch_seq", "parent_seq")}
            resolved = [_chosen(rng, one) for one in plan.content["conflicts"]]
            if all(not one["open"] for one in plan.content["conflicts"]):
                break
            body = {"direction": direction, "resolutions": resolved}
        write.chosen = {
            (one["id"], one["field"], one["field_key"]): one["choose"]
            for one in body["resolutions"]
        }
        write.body = {**body, "message": write.mark}
        self._hear(write, await self._ask(write, rng.randrange(2)))


def _chosen(rng: Random, conflict: dict[str, Any]) -> dict[str, Any]:
    named = {name: conflict[name] for name in ("kind", "id", "field", "field_key")}
    return {**named, "choose": conflict["chosen"] or rng.choice(("ours", "theirs"))}


async def play(api: Api, seed: int, rounds: int) -> History:
    """Let the history of *seed* happen, in so many *rounds* or one less."""
    rng = Random(seed)
    key = f"H{seed}"
    await _done(api, rng, "POST", "/projects", {"key": key, "name": "Concurrent edits"})
    answer = await _done(api, rng, "GET", f"/projects/{key}/schema")
    schema = Schema.of(answer)
    document = new_id(rng)
    history = History(seed, schema, document, others=_counted(answer))
    editor = Editor(rng, schema, document)
    operations = start(schema, document, rng)
    body = {"message": SETUP, "operations": operations}
    await _done(api, rng, "POST", f"{history.path}/commits", body)
    people = rng.choice(PEOPLE)
    homes = [MAIN] * people
    stage = _Play(api, history, rng, editor)
    if rng.random() < 0.5:
        made = await _done(api, rng, "POST", f"{history.path}/branches", {"name": BRANCH})
        history.branch_id = made["id"]
        homes = [MAIN, BRANCH, *(rng.choice((MAIN, BRANCH, BRANCH)) for _ in range(people - 2))]
    count = rng.randint(rounds - 1, rounds)
    scene = rng.choice((0, 0, 1)) % count if history.branch_id else -1
    for number in range(count):
        if number == scene:
            await stage.scene_of_a_moved_base(homes)
        await stage.round(homes)
    if history.branch_id:
        for direction in rng.choice((("update",), ("merge",), ("update", "merge"))):
            await stage.synchronise(direction)
    return history


def _counted(schema: dict[str, Any]) -> dict[str, int]:
    attributes = sum(len(one["attributes"]) for one in schema["types"])
    types, datatypes = len(schema["types"]), len(schema["datatypes"])
    return {"attribute": attributes, "datatype": datatypes, "document": 1, "type": types}


async def _done(api: Api, rng: Random, method: str, path: str, body: Any = None) -> Any:
    answer = await api.ask(rng.randrange(2), method, path, body)
    assert answer.status < 300, answer.content
    return answer.content


async def play_all(api: Api, seeds: Iterable[int], rounds: int, *, at_once: int) -> list[History]:
    """Let many histories happen, so many *at_once*; each has *rounds* rounds, or one less."""
    gate = asyncio.Semaphore(at_once)

    async def one(seed: int) -> History:
        async with gate:
            return await play(api, seed, rounds)

    return list(await asyncio.gather(*(one(seed) for seed in seeds)))
