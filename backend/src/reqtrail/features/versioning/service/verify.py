"""Verification: recompute every hash, chain and interval of a project and name what disagrees."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.projects.public import get_project_key
from reqtrail.features.versioning import repository
from reqtrail.features.versioning.hashing import (
    ChangesDigest,
    commit_hash,
    content_hash,
)
from reqtrail.features.versioning.registry import all_kinds, all_verifiers
from reqtrail.features.versioning.service.replay import replay
from reqtrail.features.versioning.tables import SEQ_MAX, commits, entities
from reqtrail.features.versioning.types import CommitRecord, Kind, Problem, Redaction
from reqtrail.kit import clock

MAX_PROBLEMS = 1000
"""A report stops growing here; the counts go on."""


@dataclass
class VerifyReport:
    """What verification read and what it found; ``problems`` is empty when everything agrees.

    Attributes:
        redacted: Revisions whose content an owner removed, as a commit says. Their hashes and places were checked.
    """

    problems: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    redacted: list[Redaction] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether everything agrees."""
        return not self.problems

    def add(self, problem: Problem) -> None:
        """Keep *problem* unless the report is full."""
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append(problem)


async def verify(session: AsyncSession, project_id: UUID) -> VerifyReport:
    """Recompute content hashes, intervals, the commit chain, heads and counters of a project from what is stored."""
    report = VerifyReport()
    recorded = await _check_chain(session, project_id, report)
    redactions = {
        (item.entity_id, item.seq): item
        for record in recorded.values()
        for item in repository.redactions_of(record)
    }
    for kind in all_kinds():
        await _check_revisions(session, project_id, kind, recorded, redactions, report)
    await _check_heads(session, project_id, recorded, report)
    for verifier in all_verifiers():
        async for problem in verifier(session, project_id):
            report.add(problem)
    return report


async def recently_changed(session: AsyncSession, within: timedelta) -> list[UUID]:
    """Return the projects that were committed to *within* so long."""
    return await repository.changed_since(session, clock.now() - within)


async def _check_chain(
    session: AsyncSession, project_id: UUID, report: VerifyReport
) -> dict[int, CommitRecord]:
    """Check every commit's hash, parent, number and time; return the commits by sequence."""
    recorded: dict[int, CommitRecord] = {}
    previous: dict[UUID, bytes] = {}
    last: CommitRecord | None = None
    written = await _written_by_commit(session, project_id)
    statement = select(commits).where(commits.c.project_id == project_id).order_by(commits.c.seq)
    for row in (await session.execute(statement)).mappings():
        values = {name: row[name] for name in row if name != "project_id"}
        record = CommitRecord(**{**values, "parents": tuple(values["parents"])})
        recorded[record.seq] = record
        report.counts["commits"] += 1
        expected: tuple[bytes, ...]
        expected = (previous[record.branch_id],) if record.branch_id in previous else ()
        expected += _other_parents(record, recorded)
        digest = ChangesDigest()
        for name, rows in sorted(written.get(record.seq, {}).items()):
            digest.add(name, sorted(rows))
        for wrong, what in (
            (record.seq != (last.seq + 1 if last else 1), "number is not the next one"),
            (record.parents != expected, "parents are not the commits that it was made upon"),
            (last is not None and record.recorded_at <= last.recorded_at, "time does not increase"),
            (
                _hash_or_none(project_id, record, digest) != record.hash,
                "content does not match its hash",
            ),
        ):
            if wrong:
                report.add(Problem("commit", f"The commit's {what}.", seq=record.seq))
        previous[record.branch_id] = record.hash
        last = record
    return recorded


def _hash_or_none(project_id: UUID, record: CommitRecord, digest: ChangesDigest) -> bytes | None:
    try:
        return commit_hash(project_id, record, digest.digest())
    except TypeError:
        return None


async def _written_by_commit(
    session: AsyncSession, project_id: UUID
) -> dict[int, dict[str, list[tuple[UUID, bool, bytes]]]]:
    written: dict[int, dict[str, list[tuple[UUID, bool, bytes]]]] = {}
    for kind in all_kinds():
        column = kind.table.c
        result = await session.stream(
            select(column.seq_from, column.entity_id, column.deleted, column.content_hash)
            .where(column.project_id == project_id)
            .execution_options(yield_per=5000)
        )
        async for row in result:
            rows = written.setdefault(row[0], {}).setdefault(kind.name, [])
            rows.append((row[1], row[2], row[3]))
    return written


async def _check_revisions(
    session: AsyncSession,
    project_id: UUID,
    kind: Kind,
    recorded: Mapping[int, CommitRecord],
    redactions: Mapping[tuple[UUID, int], Redaction],
    report: VerifyReport,
) -> None:
    previous: Mapping[str, Any] | None = None
    async for row in _revisions(session, project_id, kind):
        report.counts[kind.name] += 1
        same = previous is not None and all(
            previous[name] == row[name] for name in ("branch_id", "entity_id")
        )
        if previous is not None:
            _check_interval(kind, previous, row if same else None, recorded, report)
        redaction = redactions.get((row["entity_id"], row["seq_from"]))
        if redaction is None and row["salt"] is not None:
            _check_content(kind, row, report)
        else:
            _check_redaction(kind, row, redaction, report)
        _check_writer(kind, row, recorded, report)
        previous = row
    if previous is not None:
        _check_interval(kind, previous, None, recorded, report)


async def _revisions(
    session: AsyncSession, project_id: UUID, kind: Kind
) -> AsyncIterator[Mapping[str, Any]]:
    table = kind.table
    statement = (
        select(
            table,
            (table.c.superseded_at == repository.INFINITY).label("is_current"),
            entities.c.key.label("entity_key"),
            entities.c.kind.label("entity_kind"),
        )
        .outerjoin(
            entities,
            and_(
                entities.c.project_id == table.c.project_id,
                entities.c.entity_id == table.c.entity_id,
            ),
        )
        .where(table.c.project_id == project_id)
        .order_by(table.c.branch_id, table.c.entity_id, table.c.seq_from)
        .execution_options(yield_per=2000)
    )
    result = await session.stream(statement)
    async for row in result.mappings():
        yield dict(row)


def _check_content(kind: Kind, row: Mapping[str, Any], report: VerifyReport) -> None:
    if _digest(kind, row) != row["content_hash"]:
        _report(report, kind, row, "The content does not match its hash.")


def _digest(kind: Kind, row: Mapping[str, Any]) -> bytes | None:
    """Return the hash of a revision's content, or of what a redaction left of it, which has no salt."""
    try:
        return content_hash(
            row["salt"] or b"", kind.name, row["entity_key"], row["deleted"], kind.content_of(row)
        )
    except TypeError:
        return None


def _check_redaction(
    kind: Kind, row: Mapping[str, Any], redaction: Redaction | None, report: VerifyReport
) -> None:
    """Check that what is missing was taken away by a commit, and that what it left is as it was left."""
    if redaction is None or redaction.kind != kind.name:
        _report(report, kind, row, "The content is missing, but no redaction took it away.")
    elif row["salt"] is not None:
        _report(report, kind, row, "A redaction took the content away, but it is there.")
    elif redaction.content_hash != row["content_hash"]:
        _report(report, kind, row, "The hash is not the one that its redaction kept.")
    elif _digest(kind, row) != redaction.left:
        _report(report, kind, row, "What its redaction left was changed.")
    else:
        report.counts["redacted"] += 1
        if len(report.redacted) < MAX_PROBLEMS:
            report.redacted.append(redaction)


def _check_writer(
    kind: Kind, row: Mapping[str, Any], recorded: Mapping[int, CommitRecord], report: VerifyReport
) -> None:
    if row["entity_kind"] != kind.name:
        _report(report, kind, row, f"The entity is registered as “{row['entity_kind']}”.")
    writer = recorded.get(row["seq_from"])
    if writer is None:
        _report(report, kind, row, "No commit has the sequence that wrote it.")
    elif writer.branch_id != row["branch_id"]:
        _report(report, kind, row, "It stands on another branch than the commit that wrote it.")


def _check_interval(
    kind: Kind,
    row: Mapping[str, Any],
    following: Mapping[str, Any] | None,
    recorded: Mapping[int, CommitRecord],
    report: VerifyReport,
) -> None:
    if following is None:
        right = row["seq_to"] == SEQ_MAX and row["is_current"]
    else:
        writer = recorded.get(following["seq_from"])
        right = (
            row["seq_to"] == following["seq_from"]
            and not row["is_current"]
            and writer is not None
            and row["superseded_at"] == writer.recorded_at
        )
    if not right:
        _report(report, kind, row, "Its interval does not end where the next revision begins.")


def _report(report: VerifyReport, kind: Kind, row: Mapping[str, Any], detail: str) -> None:
    report.add(Problem("revision", detail, kind.name, row["entity_id"], row["seq_from"]))


async def _check_heads(
    session: AsyncSession,
    project_id: UUID,
    recorded: Mapping[int, CommitRecord],
    report: VerifyReport,
) -> None:
    counter = await repository.load_counter(session, project_id)
    last = await repository.list_commits(session, project_id, before=None, limit=1)
    newest = last[0].seq if last else 0
    if counter is None or counter.last_seq != newest:
        report.add(Problem("counter", "The project's counter is not at its newest commit."))
    key = await get_project_key(session, project_id)
    number = await repository.highest_number(session, project_id, key)
    if counter is None or counter.last_item_number != number:
        report.add(Problem("counter", f"The newest item's number is {number}, not the counter's."))
    await _check_branches(session, project_id, recorded, report)


def _other_parents(record: CommitRecord, recorded: Mapping[int, CommitRecord]) -> tuple[bytes, ...]:
    """Return the hash of the commit that a branch, an update or a merge took something from."""
    for name in ("base", "merge"):
        source = recorded.get(record.details.get(name, {}).get("seq"))
        if source is not None:
            return (source.hash,)
    return ()


async def _check_branches(
    session: AsyncSession,
    project_id: UUID,
    recorded: Mapping[int, CommitRecord],
    report: VerifyReport,
) -> None:
    """Compare the rows of branches, bases, names and baselines with what follows from the commits."""
    expected = replay(recorded.values())
    for table, rows in expected.rows(project_id).items():
        statement = select(table).where(table.c.project_id == project_id)
        found = {tuple(row) for row in await session.execute(statement)}
        for row in found ^ rows:
            what = "is not what was made" if row in found else "is missing or was changed"
            name = next((value for value in row if isinstance(value, str)), table.name)
            report.add(Problem("branch", f"{table.name}: the row of {name} {what}."))
