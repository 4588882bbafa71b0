"""Outlines as processes hand them to each other: what one has made the others need not make.

Beside each outline by version stands, for each document of a branch, of which version the newest one is. A process that
begins, or that has not shown the document before, brings that one up to date instead of reading the whole document.
"""

from __future__ import annotations

import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import orjson

from reqtrail.features.access.public import NOTHING_WITHHELD, Withheld
from reqtrail.features.requirements.types import Outline
from reqtrail.features.versioning.public import Level, Snapshot
from reqtrail.kit.clock import now
from reqtrail.platform.shared_cache import SharedCache

NEWEST_SECONDS: Final = 5.0
"""How often at most a process hands on a document's newest outline: a document that many edit has a new one at each
commit, and bringing one up to date over a few commits costs little."""
WARMED: Final = 20
"""How many outlines a process takes over as it begins."""
MAX_NOTED: Final = 10_000
_DAYS: Final = 2

_KIND: Final = "outlines"
_NEWEST: Final = "newest-outline"

_handed_on: OrderedDict[tuple[UUID, str], float] = OrderedDict()
_uses: Counter[str] = Counter()


async def find(cache: SharedCache, snapshot: Snapshot, document_id: UUID) -> Outline | None:
    """Return the outline of a document at *snapshot*, if a process has left it."""
    name = _name(snapshot, document_id)
    return _decoded(document_id, await cache.get(snapshot.project_id, _KIND, name))


@asynccontextmanager
async def making(
    cache: SharedCache, snapshot: Snapshot, document_id: UUID
) -> AsyncIterator[Outline | None]:
    """Yield what another process is making at this moment, or None when it is for the caller to make."""
    name = _name(snapshot, document_id)
    async with cache.making(snapshot.project_id, _KIND, name) as made:
        yield _decoded(document_id, made)


async def keep(cache: SharedCache, snapshot: Snapshot, outline: Outline) -> None:
    """Leave *outline*, which is one of *snapshot*, to the other processes."""
    name = _name(snapshot, outline.document_id)
    await cache.put(snapshot.project_id, {(_KIND, name): _encoded(outline)})


async def keep_newest(
    cache: SharedCache, snapshot: Snapshot, outline: Outline, *, is_kept: bool
) -> None:
    """Leave *outline*, and that it is the newest of its document, unless one was left a moment ago.

    Args:
        is_kept: Whether the outline itself is there already.
    """
    place = _place(snapshot.branch_id, outline.document_id, snapshot.withheld)
    moment = time.monotonic()
    if moment - _handed_on.get((snapshot.project_id, place), -NEWEST_SECONDS) < NEWEST_SECONDS:
        return
    _handed_on[snapshot.project_id, place] = moment
    _handed_on.move_to_end((snapshot.project_id, place))
    if len(_handed_on) > MAX_NOTED:
        _handed_on.popitem(last=False)
    entries = {(_NEWEST, place): _version(snapshot)}
    if not is_kept:
        entries[_KIND, _name(snapshot, outline.document_id)] = _encoded(outline)
    await cache.put(snapshot.project_id, entries)


async def newest(
    cache: SharedCache, snapshot: Snapshot, document_id: UUID
) -> tuple[Snapshot, Outline] | None:
    """Return the newest outline that was left of a document on the branch of *snapshot*, with its own version."""
    return await _left(
        cache, snapshot.project_id, snapshot.branch_id, document_id, snapshot.withheld
    )


def note_use(snapshot: Snapshot, document_id: UUID) -> None:
    """Count that a document was shown, as whoever sees all of it sees it."""
    if not snapshot.withheld and len(_uses) < MAX_NOTED:
        _uses[f"{snapshot.project_id}:{snapshot.branch_id}:{document_id}"] += 1


async def tell_uses(cache: SharedCache) -> None:
    """Add what was counted since the last time to what other processes have counted today."""
    if not _uses:
        return
    told = dict(_uses)
    _uses.clear()
    await cache.note_uses(_board(0), told, _DAYS)


async def most_used(cache: SharedCache) -> list[tuple[Snapshot, Outline]]:
    """Return the newest outlines of the documents that were shown most today and, if few were, yesterday."""
    members = []
    for age in range(_DAYS):
        members += await cache.most_used(_board(age), WARMED)
    found = []
    for member in list(dict.fromkeys(members))[:WARMED]:
        project_id, branch_id, document_id = map(UUID, member.split(":"))
        left = await _left(cache, project_id, branch_id, document_id, NOTHING_WITHHELD)
        if left is not None:
            found.append(left)
    return found


def forget_kept() -> None:
    """Forget what this process has handed on and counted."""
    _handed_on.clear()
    _uses.clear()


async def _left(
    cache: SharedCache, project_id: UUID, branch_id: UUID, document_id: UUID, withheld: Withheld
) -> tuple[Snapshot, Outline] | None:
    text = await cache.get(project_id, _NEWEST, _place(branch_id, document_id, withheld))
    if text is None:
        return None
    snapshot = _snapshot(project_id, branch_id, text, withheld)
    outline = await find(cache, snapshot, document_id)
    return None if outline is None else (snapshot, outline)


def _version(snapshot: Snapshot) -> bytes:
    below = [
        (str(level.branch_id), level.seq, level.recorded_at, level.is_head)
        for level in snapshot.below
    ]
    return orjson.dumps(
        [
            *(snapshot.branch, snapshot.seq, snapshot.recorded_at, snapshot.commit_hash.hex()),
            *(snapshot.is_head, snapshot.redacted_seq, below),
        ]
    )


def _snapshot(project_id: UUID, branch_id: UUID, text: bytes, withheld: Withheld) -> Snapshot:
    branch, seq, recorded_at, commit_hash, is_head, redacted_seq, below = orjson.loads(text)
    return Snapshot(
        project_id,
        branch_id,
        branch,
        seq,
        datetime.fromisoformat(recorded_at),
        bytes.fromhex(commit_hash),
        is_head,
        tuple(
            Level(UUID(level), at, datetime.fromisoformat(made), head)
            for level, at, made, head in below
        ),
        redacted_seq,
        withheld,
    )


def _name(snapshot: Snapshot, document_id: UUID) -> str:
    return f"{document_id}:{snapshot.mark.hex()}"


def _place(branch_id: UUID, document_id: UUID, withheld: Withheld) -> str:
    return f"{branch_id}:{document_id}:{withheld.mark.hex()}"


def _board(days_ago: int) -> str:
    return f"outlines:{(now() - timedelta(days=days_ago)).date()}"


def _encoded(outline: Outline) -> bytes:
    return b"%d %d\n%s" % (outline.schema_seq, outline.count, outline.encoded)


def _decoded(document_id: UUID, value: bytes | None) -> Outline | None:
    if value is None:
        return None
    head, _, encoded = value.partition(b"\n")
    schema_seq, count = map(int, head.split())
    return Outline.of_encoded(document_id, encoded, count, schema_seq)
