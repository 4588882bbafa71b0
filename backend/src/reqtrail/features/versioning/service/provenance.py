"""From which earlier states each state of an entity was made: through branches, updates, merges, undo and restores."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning import repository
from reqtrail.features.versioning.service.history import told_entity
from reqtrail.features.versioning.tables import SEQ_MAX
from reqtrail.features.versioning.types import CommitRecord, Content, Kind, Snapshot, State
from reqtrail.kit.blame import Version

Node = tuple[int, UUID]
"""A revision: the commit that wrote it, and the branch."""


@dataclass(frozen=True)
class _Line:
    """What one branch has of the entity: its own revisions, the commits that wrote them, and what lies below."""

    revisions: list[State]
    commits: dict[int, CommitRecord]
    bases: list[tuple[int, UUID, int]]


@dataclass(frozen=True)
class Ancestry:
    """Every state that led to one, each before those that were made from it.

    Attributes:
        contents: The states, oldest first; the last one is what was asked for. A deleted one is as it was last.
        parents: Of each state, the positions of those that it was made from, the nearest first.
        commits: The commit that wrote each state.
        redacted: Whether each state was redacted: its content is empty, and what it held is not known.
    """

    contents: tuple[Content, ...]
    parents: tuple[tuple[int, ...], ...]
    commits: tuple[CommitRecord, ...]
    redacted: tuple[bool, ...]

    def after_redaction(self) -> set[int]:
        """Return the commits whose words may be older, since what they were made from was redacted."""
        return {
            commit.seq
            for commit, parents in zip(self.commits, self.parents, strict=True)
            if any(self.redacted[parent] for parent in parents)
        }

    def versions(self, text_of: Callable[[Content], str]) -> list[Version[int]]:
        """Return what *text_of* reads in each state, with the sequence of its commit as its origin."""
        return [
            Version(text_of(content), commit.seq, parents)
            for content, commit, parents in zip(
                self.contents, self.commits, self.parents, strict=True
            )
        ]


async def ancestry(session: AsyncSession, snapshot: Snapshot, entity_id: UUID) -> Ancestry:
    """Return all states that led to what is visible of an entity at *snapshot*.

    An edit was made from the state before it; a merge or an update from that of the other branch too. An undo or a
    restore was made first of all from the state that it brought back.

    Raises:
        EntityNotFound: If the project has no such entity.
    """
    kind, _ = await told_entity(session, snapshot.project_id, entity_id, snapshot)
    walk = _Walk(session, snapshot.project_id, kind, entity_id)
    start = await walk.state_at(snapshot.branch_id, snapshot.seq)
    found: dict[Node, list[Node]] = {}
    waiting = [start] if start else []
    while waiting:
        node = waiting.pop()
        if node not in found:
            found[node] = await walk.made_from(node)
            waiting.extend(found[node])
    order = sorted(found, key=lambda node: node[0])
    position = {node: index for index, node in enumerate(order)}
    return Ancestry(
        tuple([await walk.content(node) for node in order]),
        tuple(tuple(position[parent] for parent in found[node]) for node in order),
        tuple([await walk.commit(node) for node in order]),
        tuple([(await walk.state(node)).redacted for node in order]),
    )


class _Walk:
    def __init__(self, session: AsyncSession, project_id: UUID, kind: Kind, entity_id: UUID):
        self._session = session
        self._project_id = project_id
        self._kind = kind
        self._entity_id = entity_id
        self._lines: dict[UUID, _Line] = {}

    async def state_at(self, branch_id: UUID, seq: int) -> Node | None:
        """Return the revision that shows on a branch as of a sequence, on whichever layer it stands."""
        while True:
            line = await self._line(branch_id)
            index = bisect_right(line.revisions, seq, key=lambda state: state.seq_from)
            if index:
                return line.revisions[index - 1].seq_from, branch_id
            below = bisect_right(line.bases, seq, key=lambda base: base[0])
            if not below:
                return None
            _, branch_id, seq = line.bases[below - 1]

    async def made_from(self, node: Node) -> list[Node]:
        """Return the revisions that one was made from, the nearest first, each once."""
        seq, branch_id = node
        details = (await self.commit(node)).details
        candidates = []
        if "reverts" in details:
            candidates.append((branch_id, int(details["reverts"]) - 1))
        if "restores" in details:
            source = int(details["restores"]["seq"])
            record = await repository.load_commit(self._session, self._project_id, source)
            if record is not None:
                candidates.append((record.branch_id, source))
        candidates.append((branch_id, seq - 1))
        candidates.extend(
            (UUID(details[name]["branch"]), int(details[name]["seq"]))
            for name in ("base", "merge")
            if name in details
        )
        states = [await self.state_at(*candidate) for candidate in candidates]
        return [state for state in dict.fromkeys(states) if state is not None and state[0] < seq]

    async def content(self, node: Node) -> Content:
        """Return what a revision holds."""
        return (await self.state(node)).content

    async def state(self, node: Node) -> State:
        """Return a revision."""
        line = await self._line(node[1])
        index = bisect_right(line.revisions, node[0], key=lambda state: state.seq_from)
        return line.revisions[index - 1]

    async def commit(self, node: Node) -> CommitRecord:
        """Return the commit that wrote a revision."""
        return (await self._line(node[1])).commits[node[0]]

    async def _line(self, branch_id: UUID) -> _Line:
        line = self._lines.get(branch_id)
        if line is None:
            revisions = await repository.revisions_of(
                self._session, self._kind, self._project_id, branch_id, self._entity_id
            )
            commits = await repository.load_commits(
                self._session, self._project_id, (state.seq_from for state in revisions)
            )
            bases = await repository.load_bases(self._session, self._project_id, branch_id, SEQ_MAX)
            line = self._lines[branch_id] = _Line(revisions, commits, bases)
        return line
