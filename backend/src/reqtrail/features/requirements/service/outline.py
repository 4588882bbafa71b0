"""A document in reading order: numbered, with titles, kept per commit."""

from __future__ import annotations

from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.requirements import repository
from reqtrail.features.requirements.errors import DocumentNotFound
from reqtrail.features.requirements.richtext import plain_text
from reqtrail.features.requirements.service import shared_outlines
from reqtrail.features.requirements.service.schema import load_schema
from reqtrail.features.requirements.types import Outline, OutlineRow, Schema
from reqtrail.features.versioning.public import Snapshot
from reqtrail.platform.cache import CommitCache
from reqtrail.platform.shared_cache import SharedCache, shared_cache_of

TITLE_LENGTH = 120
CACHED_ROWS = 60_000
"""How many outline rows a process keeps, over all documents (about 900 bytes each, with their encoded forms)."""
MAX_TOUCHED = 1000
"""After more changes than this a document is read anew rather than brought up to date."""
MAX_NEWEST = 10_000

Names = dict[UUID, tuple[str | None, str, str]]
"""Key, title and style by item."""

outlines = CommitCache("outlines", CACHED_ROWS)
_newest: OrderedDict[tuple[UUID, UUID, UUID, bytes], Snapshot] = OrderedDict()
"""Of which version each document's newest kept outline is, for those from whom the same is withheld."""


async def load_outline(session: AsyncSession, snapshot: Snapshot, document_id: UUID) -> Outline:
    """Return the reading order of a document.

    It is kept by commit, in this process and for the others. After commits that leave the document alone the kept one
    goes on to serve; after a few changes to it only those are read.

    Raises:
        DocumentNotFound: If it is not visible at *snapshot*.
    """

    async def load() -> tuple[Outline, int]:
        cache = shared_cache_of(session)
        outline = await _from_newest(session, snapshot, document_id)
        is_kept = outline is None
        if outline is None:
            outline = (
                await _build(session, snapshot, document_id)
                if cache is None
                else await _shared(session, cache, snapshot, document_id)
            )
        if _remember(snapshot, document_id) and cache is not None:
            await shared_outlines.keep_newest(cache, snapshot, outline, is_kept=is_kept)
        return outline, outline.count + 1

    shared_outlines.note_use(snapshot, document_id)
    outline: Outline = await outlines.get(_key(snapshot, document_id), load)
    return outline


def forget_kept() -> None:
    """Forget every outline, as a process that begins has none."""
    outlines.clear()
    _newest.clear()
    shared_outlines.forget_kept()


async def warm_up(cache: SharedCache) -> int:
    """Take over the outlines that were used most of late, as processes before have left them; return how many."""
    taken = 0
    for snapshot, outline in await shared_outlines.most_used(cache):
        if _place(snapshot, outline.document_id) not in _newest:
            _adopt(snapshot, outline)
            taken += 1
    return taken


async def _shared(
    session: AsyncSession, cache: SharedCache, snapshot: Snapshot, document_id: UUID
) -> Outline:
    """Return the outline that another process has made, or an older one of it brought up to date, or a new one."""
    outline = await shared_outlines.find(cache, snapshot, document_id)
    if outline is not None:
        return outline
    if _place(snapshot, document_id) not in _newest:
        older = await shared_outlines.newest(cache, snapshot, document_id)
        if older is not None:
            _adopt(*older)
            outline = await _from_newest(session, snapshot, document_id)
            if outline is not None:
                await shared_outlines.keep(cache, snapshot, outline)
                return outline
    async with shared_outlines.making(cache, snapshot, document_id) as made:
        if made is not None:
            return made
        outline = await _build(session, snapshot, document_id)
        await shared_outlines.keep(cache, snapshot, outline)
    return outline


def _adopt(snapshot: Snapshot, outline: Outline) -> None:
    outlines.put(_key(snapshot, outline.document_id), outline, outline.count + 1)
    _newest[_place(snapshot, outline.document_id)] = snapshot


def _key(snapshot: Snapshot, document_id: UUID) -> tuple[UUID, UUID, bytes]:
    return snapshot.project_id, document_id, snapshot.mark


def _place(snapshot: Snapshot, document_id: UUID) -> tuple[UUID, UUID, UUID, bytes]:
    return snapshot.project_id, snapshot.branch_id, document_id, snapshot.withheld.mark


def _remember(snapshot: Snapshot, document_id: UUID) -> bool:
    """Note of which version the newest kept outline is; return whether it is this one."""
    place = _place(snapshot, document_id)
    before = _newest.get(place)
    if before is not None and not snapshot.is_head and snapshot.seq <= before.seq:
        return False
    if before is not None and before.seq < snapshot.seq:
        # What the new one takes the place of would only crowd out other documents.
        outlines.drop(_key(before, document_id))
    _newest[place] = snapshot
    _newest.move_to_end(place)
    if len(_newest) > MAX_NEWEST:
        _newest.popitem(last=False)
    return True


async def _from_newest(
    session: AsyncSession, snapshot: Snapshot, document_id: UUID
) -> Outline | None:
    """Return the outline made from an older one that is kept, or None if there is none that helps."""
    older = _newest.get(_place(snapshot, document_id))
    if older is None or older.seq >= snapshot.seq or not older.shares_base(snapshot):
        return None
    if older.redacted_seq != snapshot.redacted_seq:
        return None  # it may hold a title that was removed since
    outline: Outline | None = outlines.peek(_key(older, document_id))
    schema = await load_schema(session, snapshot)
    if outline is None or outline.schema_seq != schema.seq:
        return None
    touched = await repository.touched_since(session, older, snapshot, document_id, MAX_TOUCHED)
    if touched is None or len(touched) >= MAX_TOUCHED:
        return None
    if any(kind == "document" for kind, _, _ in touched):
        return None
    items = {entity_id for kind, entity_id, _ in touched if kind == "item" and entity_id}
    placements = {entity_id for kind, entity_id, _ in touched if kind == "placement"}
    if any(document == document_id for _, _, document in touched) or any(
        row.placement_id in placements for row in outline.rows if placements
    ):
        return await _reordered(session, snapshot, outline, schema, items)
    return await _retitled(session, snapshot, outline, schema, items)


async def _reordered(
    session: AsyncSession, snapshot: Snapshot, outline: Outline, schema: Schema, items: set[UUID]
) -> Outline:
    """Return *outline* with its order read anew, and the titles of what is new or among *items*."""
    names: Names = {
        row.item_id: (row.key, row.title, row.style)
        for row in outline.rows
        if row.item_id is not None and row.item_id not in items
    }
    tree = await repository.tree_rows(session, snapshot, outline.document_id)
    unnamed = {row.item_id for row in tree if row.item_id is not None and row.item_id not in names}
    if unnamed:
        names.update(await titles(session, snapshot, unnamed, schema))
    return Outline(outline.document_id, tuple(_in_order(tree, names)), schema.seq)


async def _retitled(
    session: AsyncSession, snapshot: Snapshot, outline: Outline, schema: Schema, items: set[UUID]
) -> Outline:
    """Return *outline* with the titles of those of *items* that stand in it read anew."""
    stale = {row.item_id for row in outline.rows if row.item_id in items} if items else set()
    if not stale:
        return outline
    fresh = await titles(session, snapshot, (item_id for item_id in stale if item_id), schema)
    rows = tuple(
        (
            replace(row, title=fresh[row.item_id][1], style=fresh[row.item_id][2])
            if row.item_id in fresh
            else row
        )
        for row in outline.rows
    )
    return Outline(outline.document_id, rows, schema.seq)


async def titles(
    session: AsyncSession, snapshot: Snapshot, ids: Iterable[UUID], schema: Schema
) -> Names:
    """Return ``(key, title, style)`` of items by id, deleted ones included."""
    roles = {
        type_id: (kind.role("title"), kind.role("text")) for type_id, kind in schema.types.items()
    }
    rows = await repository.item_titles(session, snapshot, ids, roles)
    return {row.entity_id: (row.key, _row_title(row), _style(schema, row.type_id)) for row in rows}


def title_of(
    schema: Schema, type_id: UUID | None, attributes: dict[str, Any], key: str | None
) -> str:
    """Return what an item is called: its title, else the beginning of its text, else its key."""
    kind = schema.types.get(type_id) if type_id else None
    values = [attributes.get(kind.role(role) or "") if kind else None for role in ("title", "text")]
    return _title(values[0], values[1], key)


def _row_title(row: Row[Any]) -> str:
    return _title(row.title, row.beginning, row.key)


def _title(title: Any, text: Any, key: str | None) -> str:
    for value in (title, text):
        if isinstance(value, str) and value.strip():
            found = " ".join(_readable(value).split())
            if found:
                return found if len(found) <= TITLE_LENGTH else found[: TITLE_LENGTH - 1] + "…"
    return key or ""


def _readable(value: str) -> str:
    """Return the plain text of a value that may be the beginning of markup, cut anywhere."""
    if not value.lstrip().startswith("<"):
        return value
    text = plain_text(value)
    if not text.lstrip().startswith("<"):
        return text
    return _strip_cut_markup(value)


def _strip_cut_markup(value: str) -> str:
    parts, inside = [], False
    for character in value:
        if character == "<":
            inside = True
        elif character == ">":
            inside = False
            parts.append(" ")
        elif not inside:
            parts.append(character)
    text = "".join(parts)
    for entity, meaning in (("&lt;", "<"), ("&gt;", ">"), ("&#160;", " "), ("&amp;", "&")):
        text = text.replace(entity, meaning)
    return text


def _style(schema: Schema, type_id: UUID | None) -> str:
    kind = schema.types.get(type_id) if type_id else None
    return kind.style if kind else "requirement"


async def _build(session: AsyncSession, snapshot: Snapshot, document_id: UUID) -> Outline:
    if await repository.find_document(session, snapshot, document_id) is None:
        raise DocumentNotFound("There is no such document at this version.")
    tree = await repository.tree_rows(session, snapshot, document_id)
    schema = await load_schema(session, snapshot)
    ids = {row.item_id for row in tree if row.item_id is not None}
    names = await titles(session, snapshot, ids, schema) if ids else {}
    return Outline(document_id, tuple(_in_order(tree, names)), schema.seq)


def _in_order(tree: Sequence[Row[Any]], names: Names) -> list[OutlineRow]:
    children: dict[UUID | None, list[Row[Any]]] = defaultdict(list)
    for row in tree:
        children[row.parent_id].append(row)
    rows: list[OutlineRow] = []
    stack: list[tuple[Row[Any], int, int, str]] = [
        (row, -1, 0, str(index))
        for index, row in reversed(list(enumerate(children[None], start=1)))
    ]
    while stack:
        row, parent_index, level, number = stack.pop()
        key, title, style = names.get(row.item_id, (None, "", "information"))
        below = children.get(row.entity_id, [])
        index = len(rows)
        rows.append(
            OutlineRow(
                row.entity_id,
                parent_index,
                level,
                row.item_id,
                key,
                style,
                title,
                number,
                bool(below),
            )
        )
        stack.extend(
            (child, index, level + 1, f"{number}.{position}")
            for position, child in reversed(list(enumerate(below, start=1)))
        )
    return rows
