"""Redaction: an owner removes for good what past revisions hold. It is the one change of history that there is.

The salted hash of each revision stays, so that chains, seals and proofs stand; content and salt go. What was removed,
by whom and why is a commit, which also covers what was left in each revision.
"""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning import repository
from reqtrail.features.versioning.errors import (
    NothingToRedact,
    OperationInvalid,
    RefNotFound,
    RevisionNotFound,
    RevisionShown,
)
from reqtrail.features.versioning.hashing import content_hash
from reqtrail.features.versioning.registry import (
    all_redaction_companions,
    all_redaction_sweepers,
    get_kind,
)
from reqtrail.features.versioning.schemas import RedactedRead
from reqtrail.features.versioning.service.history import entity
from reqtrail.features.versioning.service.refs import head_snapshot
from reqtrail.features.versioning.service.writer import OpenCommit, Writer
from reqtrail.features.versioning.types import (
    MAIN,
    REDACTION,
    CommitRequest,
    CommitResult,
    Kind,
    Redaction,
    Snapshot,
)
from reqtrail.platform.database.engine import after_commit
from reqtrail.platform.shared_cache import shared_cache_of

_TAG = re.compile(r"<[^<>]*>")
_MOST = 5
"""So many versions a sentence names."""

Row = Mapping[str, Any]


class _Target(NamedTuple):
    """A revision to be redacted."""

    kind: Kind
    key: str | None
    row: Row


async def redact(
    session: AsyncSession,
    project_id: UUID,
    author_id: UUID,
    entity_id: UUID,
    reason: str,
    *,
    sequences: Sequence[int] = (),
    holding: str = "",
) -> CommitResult:
    """Remove what past revisions of an entity hold, on every branch, as a commit upon main.

    Without *sequences* and *holding* that is every revision that no open branch shows. What an open branch shows is
    never removed under the hands of those who work there: they edit or delete it first.

    Args:
        reason: Why; it is kept for ever as the commit's message, so it must not repeat what is removed.
        sequences: Only the revisions that these commits wrote.
        holding: Only the revisions with this text in them, as stored or as read.

    Raises:
        EntityNotFound, OperationInvalid: If there is no such entity, or nothing of its kind is written by people.
        RevisionNotFound: If one of the commits did not write it.
        RevisionShown: If an open branch shows what was asked for.
        NothingToRedact: If no revision is left.
    """
    counter = await repository.take_sequence(session, project_id)
    if counter is None:
        raise RefNotFound("There is no such project.")
    kind, key = await entity(session, project_id, entity_id)
    if not kind.erased:
        raise OperationInvalid(f"A {kind.name} holds nothing that could be redacted.")
    rows = await repository.all_revisions(session, kind, project_id, [entity_id])
    heads = await _open_heads(session, project_id)
    shown = await _shown(session, kind, entity_id, heads)
    chosen = _chosen(f"{kind.name} {key or entity_id}", rows, shown, sequences, holding)
    targets = [_Target(kind, key, row) for row in chosen]
    targets += await _companions(session, project_id, targets)
    for target in targets:
        await repository.erase(session, target.kind, target.row)
    for sweep in all_redaction_sweepers():
        await sweep(session, project_id)
    await repository.mark_redacted(session, project_id, counter.seq)
    shared = shared_cache_of(session)
    if shared is not None:
        # Nobody asks for what was made before any more, but it would stay there for a while.
        after_commit(session, partial(shared.forget, project_id))
    request = CommitRequest(
        project_id,
        author_id,
        message=reason,
        kind=REDACTION,
        details={"redacted": [_recorded(target) for target in targets]},
    )
    main = next(head for head in heads if head.branch == MAIN)
    result = await Writer(session, request, OpenCommit(counter, main), None).close(())
    return replace(result, snapshot=replace(result.snapshot, redacted_seq=result.seq))


async def _open_heads(session: AsyncSession, project_id: UUID) -> list[Snapshot]:
    rows = await repository.load_branches(session, project_id)
    return [await head_snapshot(session, project_id, row) for row in rows if row.state == "open"]


async def _shown(
    session: AsyncSession, kind: Kind, entity_id: UUID, heads: Iterable[Snapshot]
) -> dict[int, list[str]]:
    """Return which revisions, by their commits, are visible on which open branches."""
    shown: dict[int, list[str]] = defaultdict(list)
    for head in heads:
        states = await repository.states_at(session, kind, head, [entity_id])
        state = states.get(entity_id)
        if state is not None and not state.deleted:
            shown[state.seq_from].append(head.branch)
    return shown


def _chosen(
    name: str,
    rows: Sequence[Row],
    shown: Mapping[int, list[str]],
    sequences: Collection[int],
    holding: str,
) -> list[Row]:
    known = {row["seq_from"] for row in rows}
    unknown = sorted(set(sequences) - known)
    if unknown:
        raise RevisionNotFound(
            f"Version {unknown[0]} did not write the {name}; versions that did are"
            f" {', '.join(str(seq) for seq in sorted(known)[-_MOST:])}."
        )
    wanted = [row for row in rows if row["salt"] is not None]
    if sequences:
        wanted = [row for row in wanted if row["seq_from"] in sequences]
    if holding:
        wanted = [row for row in wanted if _holds(row, holding)]
    if not sequences and not holding:
        wanted = [row for row in wanted if row["seq_from"] not in shown]
    for row in wanted:
        if row["seq_from"] in shown:
            where = ", ".join(f"“{branch}”" for branch in shown[row["seq_from"]][:_MOST])
            raise RevisionShown(
                f"Version {row['seq_from']} of the {name} is what {where} shows. Edit or delete it"
                " there, or update the branch, and then redact the version.",
                seq=row["seq_from"],
                branches=shown[row["seq_from"]],
            )
    if not wanted:
        what = "such content" if sequences or holding else "a past version"
        raise NothingToRedact(f"The {name} has no version left with {what} to be redacted.")
    return wanted


def _holds(value: Any, wanted: str) -> bool:
    """Return whether a text occurs in a value, as it is stored or as it is read."""
    if isinstance(value, str):
        return wanted in value or wanted in html.unescape(_TAG.sub("", value))
    if isinstance(value, Mapping):
        return any(_holds(one, wanted) for one in value.values())
    return isinstance(value, list | tuple) and any(_holds(one, wanted) for one in value)


async def _companions(
    session: AsyncSession, project_id: UUID, targets: Sequence[_Target]
) -> list[_Target]:
    """Return the revisions of what nothing but the redacted content used, such as its pictures."""
    contents = [(target.kind.name, target.kind.content_of(target.row)) for target in targets]
    taken = {(target.row["entity_id"], target.row["seq_from"]) for target in targets}
    found = []
    for companion in all_redaction_companions():
        for name, ids in (await companion(session, project_id, contents, taken)).items():
            kind = get_kind(name)
            known = await repository.load_entities(session, project_id, ids)
            for row in await repository.all_revisions(session, kind, project_id, ids):
                if row["salt"] is not None:
                    found.append(_Target(kind, known[row["entity_id"]][1], row))
    return found


def _recorded(target: _Target) -> dict[str, Any]:
    row, kind = target.row, target.kind
    left = repository.emptied(kind, kind.content_of(row))
    return {
        "kind": kind.name,
        "id": str(row["entity_id"]),
        "seq": row["seq_from"],
        "content_hash": row["content_hash"].hex(),
        "left": left_digest(kind.name, target.key, row["deleted"], left).hex(),
    }


def left_digest(kind: str, key: str | None, deleted: bool, left: dict[str, Any]) -> bytes:
    """Return the digest of what a redaction left: the same form as the content had, without salt."""
    return content_hash(b"", kind, key, deleted, left)


async def redacted_by(session: AsyncSession, project_id: UUID, seq: int) -> list[Redaction]:
    """Return what commit *seq* redacted."""
    record = await repository.load_commit(session, project_id, seq)
    return [] if record is None else repository.redactions_of(record)


async def redactions_by_revision(
    session: AsyncSession, project_id: UUID
) -> dict[tuple[UUID, int], Redaction]:
    """Return what was redacted in a project, by entity and by the commit that had written it."""
    found = await repository.load_redactions(session, project_id)
    return {(item.entity_id, item.seq): item for item in found}


def redacted_read(found: Iterable[Redaction]) -> list[RedactedRead]:
    """Return which versions of which things were redacted, as JSON shows it."""
    return [
        RedactedRead(kind=item.kind, id=item.entity_id, seq=item.seq, redacted_by=item.commit.seq)
        for item in found
    ]
