"""The second pass over a history: each line that the project lacks becomes a commit, in a transaction of its own."""

from __future__ import annotations

from collections import defaultdict
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.errors import HistoryStopped
from reqtrail.features.exchange.history.replay import KINDS, Step, Want
from reqtrail.features.exchange.repository import histories
from reqtrail.features.exchange.service.histories.claims import author_of
from reqtrail.features.exchange.service.incoming import changes
from reqtrail.features.exchange.service.work import Work
from reqtrail.features.exchange.types import Losses
from reqtrail.features.versioning.public import (
    Action,
    CommitRequest,
    Kind,
    OpenCommit,
    Operation,
    State,
    commit,
    get_kind,
    lock_head,
    open_commit,
    states_at,
)
from reqtrail.kit.errors import ReqtrailError, Unavailable
from reqtrail.platform.database.engine import Database

OVERWRITTEN: Final = (
    "edited_on_both_sides",
    "Changed here and in the history: what the history says stands, what was written here stays in the past versions.",
)


class LineWriter:
    """Writes the commits of one history.

    Args:
        root: The name of the history.
        imported: The versions that its commits have in the project, by their ids. It is kept up to date.
        as_owner: Whether a protected branch may be written to.
    """

    def __init__(
        self,
        database: Database,
        work: Work,
        root: str,
        imported: dict[str, int],
        losses: Losses,
        *,
        as_owner: bool,
    ) -> None:
        self._database = database
        self._work = work
        self._root = root
        self._imported = imported
        self._losses = losses
        self._as_owner = as_owner
        self._seen = max(imported.values(), default=0)
        self._authors: dict[str, UUID] = {}

    async def write(self, step: Step) -> None:
        """Write a commit unless the project has it; how far the import is goes into the same transaction.

        Raises:
            HistoryStopped: If what was written in the project meanwhile is in its way.
            Cancelled, LeaseLost: If the work must end; the commit is not written then.
        """
        line, work = step.line, self._work
        work.advance(1)
        if line.commit in self._imported:
            return
        try:
            async with self._database.session() as session:
                seq, author_id = await self._write(session, step)
                await work.keep(session)
        except Unavailable:
            raise
        except ReqtrailError as error:
            raise HistoryStopped(
                f"Line {line.number} cannot be written: {error.detail} The commits before it stay. Undo what is in"
                " its way, then import the history again: it goes on here.",
                line=line.number,
            ) from error
        self._imported[line.commit] = self._seen = seq
        self._authors[line.author] = author_id

    async def _write(self, session: AsyncSession, step: Step) -> tuple[int, UUID]:
        job, line = self._work.job, step.line
        head = await lock_head(session, job.project_id)
        author_id = self._authors.get(line.author) or await author_of(session, job, line.author)
        if head.seq != self._seen:
            # Another import of the same history may have come first.
            rows = await histories.imported_lines(session, job.project_id, self._root, self._seen)
            self._imported.update({row.commit: row.seq for row in rows})
            if line.commit in self._imported:
                return self._imported[line.commit], author_id
        opened = await open_commit(session, job.project_id, as_owner=self._as_owner)
        operations = await self._operations(session, opened, step)
        request = CommitRequest(
            job.project_id,
            author_id,
            message=line.subject,
            kind="import",
            authored_at=line.time,
            details={
                "file": job.file_name,
                "import": str(job.job_id),
                "imported_by": str(job.author_id),
                "author": line.author,
                "history": {
                    "root": self._root,
                    "commit": line.commit,
                    "parents": list(line.parents),
                },
            },
            as_owner=self._as_owner,
        )
        result = await commit(session, request, operations, opened=opened, keep_empty=True)
        return result.seq, author_id

    async def _operations(
        self, session: AsyncSession, opened: OpenCommit, step: Step
    ) -> list[Operation]:
        by_kind: dict[str, list[Want]] = defaultdict(list)
        for want in step.wants:
            by_kind[want.kind].append(want)
        operations: list[Operation] = []
        for name in KINDS:
            wants = by_kind[name]
            if not wants:
                continue
            kind = get_kind(name)
            states = await states_at(session, kind, opened.head, [want.entity_id for want in wants])
            opened.remember(name, states)
            for want in wants:
                operations += self._toward(kind, want, states.get(want.entity_id), step)
        return operations

    def _toward(self, kind: Kind, want: Want, state: State | None, step: Step) -> list[Operation]:
        """Return what makes an entity what the history says, from what it is in the project now."""
        entity_id, after = want.entity_id, want.after
        if after is None:
            there = state is not None and not state.deleted
            return [Operation(Action.DELETE, kind.name, entity_id)] if there else []
        if state is None:
            return [Operation(Action.CREATE, kind.name, entity_id, after)]
        if state.deleted:
            restored = Operation(Action.RESTORE, kind.name, entity_id)
            fields = changes(kind, state.content, after)
            updated = Operation(Action.UPDATE, kind.name, entity_id, fields)
            return [restored, updated] if fields else [restored]
        if want.shared:
            return []
        fields = changes(kind, want.before or state.content, after)
        if want.before is not None and self._edited(kind, want.before, fields, state):
            where = f"line {step.line.number}: {state.key or entity_id}"
            self._losses.add(*OVERWRITTEN, where=where)
        return [Operation(Action.UPDATE, kind.name, entity_id, fields)] if fields else []

    @staticmethod
    def _edited(
        kind: Kind, before: dict[str, object], fields: dict[str, object], state: State
    ) -> bool:
        """Return whether somebody here changed something that the history changes now."""
        edited = changes(kind, before, state.content)
        return any(
            bool(value.keys() & edited[name].keys()) if isinstance(value, dict) else True
            for name, value in fields.items()
            if name in edited
        )
