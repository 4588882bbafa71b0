"""Decides from the commits, and from what people sent and heard, whether anything was lost.

For each history it reads the log and compares each commit with the one before it on its branch, which gives the state
that every commit left. Then:

* The sequences have no gap. Each write's message, which nobody else has, is in exactly one commit if the write was
  acknowledged and had an effect, in at most one if its author never heard, and in none if it was refused. What was
  acknowledged without a commit had no effect to have.
* Every commit changed what its write asked for and nothing else (``judging``), by words (``oracle``): an edit is merged
  with what its author had not seen, or was refused. What vanished was taken out by somebody who had seen it.
* What people read in between, and what the branches hold at the end, is what the commits say. A read has what was
  acknowledged before it began.
* ``verify`` finds nothing: hashes, chains, intervals and heads are right.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.concurrency.content import Seen
from tests.concurrency.edits import Write
from tests.concurrency.history import BRANCH, MAIN, SETUP, History
from tests.concurrency.judging import Step, judge_edit, judge_merge
from tests.concurrency.oracle import Entity, State
from tests.concurrency.wire import Api, Query

KINDS = ("item", "placement")


@dataclass
class Report:
    """What checking found, and how much it looked at.

    Attributes:
        findings: ``seed: rule: …``, empty if all is right.
        counts: Of writes, by what became of them, and of what was read.
    """

    findings: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, other: Report) -> None:
        """Take in what another report says."""
        self.findings += other.findings
        self.counts += other.counts

    def says(self, rule: str, seeds: Container[int]) -> list[str]:
        """Return the findings about *rule* in the histories of *seeds*."""
        parts = ((one, *one.split(": ", 2)[:2]) for one in self.findings)
        return [one for one, seed, broken in parts if broken == rule and int(seed) in seeds]


class _Check:
    """The check of one history."""

    def __init__(self, api: Api, history: History) -> None:
        self._api = api
        self._history = history
        self._writes = {write.mark: write for write in history.writes}
        self._commits: list[dict[str, Any]] = []
        self._seqs: dict[str, list[int]] = defaultdict(list)
        self._states: dict[int, State] = {}
        self._lines: dict[str, list[int]] = {MAIN: [], BRANCH: []}
        self._synced: State = {}
        self.report = Report()

    async def run(self) -> Report:
        """Check everything."""
        for failure in self._history.failures:
            self._find(f"failed: {failure}")
        await self._read_log()
        for commit in self._commits:
            await self._step(commit["seq"], commit["message"])
        for write in self._history.writes:
            self._outcome(write)
        for seen in [*self._history.reads, *[await self._now(one) for one in self._branches()]]:
            self._read(seen)
        await self._verify()
        self._count()
        return self.report

    async def _verify(self) -> None:
        """Nothing disagrees, and of all kinds that nobody edits there is what there was at first."""
        verified = await self._get("/verify", method="POST")
        if not verified["ok"]:
            self._find(f"verify: {verified['problems']}")
        others = {
            kind: n for kind, n in verified["counts"].items() if kind not in (*KINDS, "commits")
        }
        if others != self._history.others:
            self._find(f"invented: there are {others}, and were {self._history.others}")

    def _find(self, text: str) -> None:
        self.report.findings.append(f"{self._history.seed}: {text}")

    async def _get(self, path: str, query: Query | None = None, *, method: str = "GET") -> Any:
        answer = await self._api.ask(
            self._history.seed, method, self._history.path + path, query=query
        )
        assert answer.status == 200, (self._history.seed, path, query, answer)
        return answer.content

    def _branches(self) -> list[str]:
        return [MAIN, BRANCH] if self._history.branch_id else [MAIN]

    async def _now(self, branch: str) -> Seen:
        path = f"/documents/{self._history.document}/rows"
        return Seen.of(branch, await self._get(path, {"at": branch}))

    # --- the commits ----------------------------------------------------------------------------------------------

    async def _read_log(self) -> None:
        newest = (await self._get("/commits", {"limit": "500"}))["commits"]
        self._commits = sorted(newest, key=lambda commit: int(commit["seq"]))
        seqs = [commit["seq"] for commit in self._commits]
        if seqs != list(range(1, len(seqs) + 1)):
            self._find(f"gap: the sequences are {seqs}")
        times = [commit["recorded_at"] for commit in self._commits]
        if sorted(set(times)) != times:
            self._find(f"gap: the times do not rise: {times}")
        for commit in self._commits:
            self._seqs[commit["message"]].append(commit["seq"])

    async def _step(self, seq: int, message: str) -> None:
        """Learn the state that a commit left, and judge it."""
        write = self._writes.get(message)
        if write is None:
            await self._foreign(seq, message)
            return
        line = self._lines[write.branch]
        before = self._states[line[-1]]
        after = await self._apply(before, line[-1], seq)
        self._states[seq] = after
        line.append(seq)
        for wrong in self._judge(write, seq, before, after):
            self._find(f"{wrong} (commit {seq}, {write.mark}, {write.how})")

    async def _foreign(self, seq: int, message: str) -> None:
        """A commit that no write made: the start of the project, of the document, of the branch."""
        known = (seq, message) in [(2, SETUP)] or seq == 1 or seq == 3 and self._history.branch_id
        if not known:
            self._find(f"invented: commit {seq}, “{message}”, is of no write")
        if seq == 1:
            self._states[1] = {}
        else:
            self._states[seq] = await self._apply(self._states[seq - 1], seq - 1, seq)
        if seq == 3 and self._history.branch_id:
            self._lines[BRANCH].append(seq)
            self._synced = self._states[seq]
        else:
            self._lines[MAIN].append(seq)

    async def _apply(self, before: State, old: int, new: int) -> State:
        """Return the state after commit *new*: *before* with what the comparison with *old* says."""
        asked = {"from": str(old), "to": str(new), "kind": KINDS}
        compared = await self._get("/compare", asked)
        state = dict(before)
        for change in compared["changes"]:
            name, kind = change["id"], change["kind"]
            was = before.get(name)
            if (was.content if was else None) != change["before"]:
                self._find(f"reading: {name} at {old} is {change['before']}, and was {was}")
            if change["after"] is None:
                state.pop(name, None)
            else:
                state[name] = Entity(kind, change["after"])
        return state

    def _judge(self, write: Write, seq: int, before: State, after: State) -> Iterator[str]:
        if write.direction is None:
            seen = self._states.get(write.base or 0, {})
            yield from judge_edit(Step(write, seen, before, after))
            return
        source = self._states[self._lines[MAIN if write.branch == BRANCH else BRANCH][-1]]
        yield from judge_merge(write.chosen, self._synced, before, source, after)
        self._synced = source

    # --- the writes -----------------------------------------------------------------------------------------------

    def _outcome(self, write: Write) -> None:
        """Check that a write is where its author was told that it is."""
        seqs = self._seqs[write.mark]
        if len(seqs) > 1:
            self._find(f"doubled: {write.mark} ({write.how}) is in the commits {seqs}")
        if write.outcome == "refused" and seqs:
            self._find(f"refused: {write.mark} was refused and is in commit {seqs}")
        if write.outcome == "acknowledged":
            self._acknowledged(write, seqs)

    def _acknowledged(self, write: Write, seqs: list[int]) -> None:
        accepted = [content for status, content in write.answers if status < 300]
        if any(one["ref"] != accepted[0]["ref"] for one in accepted):
            self._find(f"doubled: {write.mark} was answered as {[one['ref'] for one in accepted]}")
        ref = accepted[0]["ref"]
        commits = {one["seq"]: one["commit"] for one in self._commits}
        if commits.get(ref["seq"]) != ref["commit"]:
            self._find(f"lost: {write.mark} was acknowledged as {ref}, which is no commit")
        elif seqs and seqs != [ref["seq"]]:
            self._find(f"doubled: {write.mark} was acknowledged as {ref}, and is in {seqs}")
        elif not seqs and accepted[0].get("changes"):
            self._find(f"lost: {write.mark} was acknowledged as {ref}, and is in no commit")
        elif not seqs and write.direction is None:
            state = self._states[ref["seq"]]
            seen = self._states.get(write.base or 0, {})
            for wrong in judge_edit(Step(write, seen, state, state)):
                self._find(f"{wrong} (without a commit at {ref['seq']}, {write.mark})")

    # --- what people read -----------------------------------------------------------------------------------------

    def _read(self, seen: Seen) -> None:
        """Check that what somebody read is what the commits say."""
        state = self._states.get(seen.seq)
        if state is None or seen.seq not in self._lines[seen.branch]:
            self._find(f"reading: {seen.branch} was read at {seen.seq}, which is not its commit")
            return
        shown = {row.placement: (row.parent, row.item, dict(row.attributes)) for row in seen.rows}
        said = {}
        for name, one in state.items():
            if one.kind == "placement":
                item = one.content["item_id"]
                said[name] = (one.content["parent_id"], item, dict(state[item].attributes))
        if shown != said:
            self._find(f"reading: {seen.branch}@{seen.seq} showed {shown}, and was {said}")
        order = [row.placement for row in seen.rows]
        if order != list(_reading_order(state, None)):
            self._find(f"reading: the order of {seen.branch}@{seen.seq} was {order}")

    def _count(self) -> None:
        counts = self.report.counts
        counts["histories"] += 1
        counts["histories with a branch"] += self._history.branch_id is not None
        counts["commits"] += len(self._commits)
        counts["reads"] += len(self._history.reads)
        for write in self._history.writes:
            counts["writes"] += 1
            counts[write.outcome] += 1
            counts[f"how: {write.how}"] += 1
            effect = bool(self._seqs[write.mark])
            if write.outcome == "unknown":
                counts["unknown, in a commit"] += effect
            if write.outcome == "acknowledged":
                counts["acknowledged, no effect"] += not effect
                counts["acknowledged, merged"] += bool(write.accepted.get("merged"))
                counts["merges of branches"] += write.direction is not None and effect
            if write.chosen and effect:
                counts["merges with choices"] += 1
            counts["operations"] += len(write.operations) or 1


def _reading_order(state: State, parent: str | None) -> Iterator[str]:
    below = sorted(
        (one.content["rank"], name)
        for name, one in state.items()
        if one.kind == "placement" and one.content["parent_id"] == parent
    )
    for _, name in below:
        yield name
        yield from _reading_order(state, name)


async def check_all(api: Api, histories: Iterable[History], *, at_once: int) -> Report:
    """Check histories whose requests have all ended, so many *at_once*."""
    gate = asyncio.Semaphore(at_once)

    async def one(history: History) -> Report:
        async with gate:
            return await _Check(api, history).run()

    report = Report()
    for found in await asyncio.gather(*(one(history) for history in histories)):
        report.add(found)
    return report
