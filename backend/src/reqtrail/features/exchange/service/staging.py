"""The first half of an import: the uploaded file is read twice and staged; nothing of the project changes."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final
from uuid import UUID, uuid5

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.reqif.archive import Member, Upload
from reqtrail.features.exchange.reqif.index import Index, build_index
from reqtrail.features.exchange.reqif.reader import Reader
from reqtrail.features.exchange.repository import jobs, staged
from reqtrail.features.exchange.repository.staged import StagedRow
from reqtrail.features.exchange.service.lineage import Lineage, resolve_lineage
from reqtrail.features.exchange.service.work import Work, fetch_upload
from reqtrail.features.exchange.types import ORDER_GAP, Losses, Record
from reqtrail.features.files.public import sniff
from reqtrail.features.versioning.public import resolve_ref
from reqtrail.kit import clock
from reqtrail.kit.one_thread import OneThread
from reqtrail.platform.database.engine import Database

KINDS: Final = (
    *("file", "package", "datatype", "type", "attribute", "document", "item"),
    *("placement", "link", "link_group"),
)
"""In the order in which they are written: what something refers to comes before it."""
BATCH: Final = 500
_MEMBER_ROOM = 1 << 40
COUNTED: Final = {
    "file": "attachments",
    "datatype": "datatypes",
    "type": "types",
    "attribute": "attributes",
    "document": "documents",
    "item": "items",
    "placement": "placements",
    "link": "links",
    "link_group": "link_groups",
}


@dataclass
class Staged:
    """What staging found out.

    Attributes:
        lineages: How the identifiers of each file of the upload map.
        times: When the upload says that it was written: by its header, then by the latest change of an object.
    """

    counts: Counter[str]
    losses: Losses
    lineages: list[Lineage] = field(default_factory=list)
    times: tuple[str, ...] = ()


async def stage(database: Database, work: Work, folder: Path) -> Staged:
    """Read the upload of a job and stage what it holds.

    Args:
        folder: Where the upload may be unpacked to; the caller removes it.

    Raises:
        ImportRefused: If the upload is no ReqIF, is broken or hostile.
        Cancelled, LeaseLost: If the work must end.
    """
    path = folder / "upload"
    await fetch_upload(database, work.job, path)
    with OneThread("import") as thread:
        upload = await thread.run(Upload, path)
        try:
            return await _stage(database, work, upload, thread)
        finally:
            upload.close()


async def _stage(database: Database, work: Work, upload: Upload, thread: OneThread) -> Staged:
    size = sum(member.size for member in upload.documents)
    work.enter("reading", 0)
    indexes = [await thread.run(_index, upload, member) for member in upload.documents]
    work.enter("reading", sum(index.counts.total() for index in indexes))
    single = len(upload.documents) == 1
    created = indexes[0].header.get("CREATION-TIME", "")
    changed = max(index.last_change for index in indexes)
    result = Staged(Counter(bytes=size), Losses(), times=(created, changed))
    async with database.read_session() as session:
        head = await resolve_ref(session, work.job.project_id, None)
        for member, index in zip(upload.documents, indexes, strict=True):
            scope = "" if single else member.path
            lineage = await resolve_lineage(session, head, index, scope, member.path)
            result.lineages.append(lineage)
    async with database.session() as session:
        await jobs.clear_staged(session, work.job.project_id, work.job.job_id)
        for number, member in enumerate(upload.documents):
            records = _records(upload, member, indexes, number, result)
            while batch := await thread.run(_batch, records):
                await staged.stage_rows(session, work.job, batch)
                result.counts.update(COUNTED[row.kind] for row in batch if row.kind in COUNTED)
                work.advance(len(batch))
        await _stage_files(session, work, upload, result, thread)
        await work.keep(session)
    return result


def _index(upload: Upload, member: Member) -> Index:
    with upload.open(member) as stream:
        return build_index(stream)


def _records(
    upload: Upload, member: Member, indexes: list[Index], number: int, result: Staged
) -> Iterator[StagedRow]:
    lineages = result.lineages

    def elsewhere(identifier: str) -> str | None:
        for other, index in enumerate(indexes):
            if other != number and identifier in index.objects:
                return lineages[other].entity("item", identifier)
        return None

    lineage = lineages[number]
    reader = Reader(
        indexes[number],
        str(lineage.package_id),
        lineage.entity,
        clock.isoformat(clock.now()),
        result.losses,
        elsewhere=elsewhere,
        templates=lineage.templates,
    )
    with upload.open(member) as stream:
        for record in reader.read(stream):
            yield _row(record, member, lineage, number)


def _row(record: Record, member: Member, lineage: Lineage, number: int) -> StagedRow:
    fields = record.fields
    if record.kind == "package":
        entity_id = lineage.package_id
        fields = {**fields, "path": member.path}
        fields["extra"]["scope"] = lineage.scope
    else:
        entity_id = UUID(lineage.entity(record.kind, record.identifier))
    return StagedRow(_ordinal(record.kind, number, record.order), record.kind, entity_id, fields)


def _ordinal(kind: str, member: int, order: int) -> int:
    """Sort by kind, then by file, then by the order in the file."""
    return (KINDS.index(kind) * 1_000 + min(member, 999)) * _MEMBER_ROOM + order


def _batch(rows: Iterator[StagedRow]) -> list[StagedRow]:
    batch = []
    for row in rows:
        batch.append(row)
        if len(batch) == BATCH:
            break
    return batch


async def _stage_files(
    session: AsyncSession, work: Work, upload: Upload, result: Staged, thread: OneThread
) -> None:
    work.enter("files", len(upload.attachments))
    for number, member in enumerate(upload.attachments):
        folder, lineage = _owner(member, upload, result.lineages)
        package_id, path = lineage.package_id, _relative(member.path, folder)
        data = await thread.run(upload.read, member)
        digest = hashlib.sha256(data).digest()
        await staged.stage_file(session, work.job, digest, data)
        media_type = sniff(data, member.path)
        fields = {
            "path": path,
            "sha256": digest.hex(),
            "media_type": media_type,
            "size": len(data),
            "package_id": str(package_id),
            "extra": {"path": member.path, "n": number * ORDER_GAP},
        }
        entity_id = uuid5(work.job.project_id, f"{package_id}/file/{path}")
        row = StagedRow(_ordinal("file", 0, number), "file", entity_id, fields)
        await staged.stage_rows(session, work.job, [row])
        result.counts["attachments"] += 1
        result.counts["pictures"] += media_type.startswith("image/")
        work.advance(1)


def _owner(
    member: Member, upload: Upload, lineages: list[Lineage]
) -> tuple[PurePosixPath, Lineage]:
    """Return the folder and the lineage of the ReqIF file that an attachment belongs to: the one nearest above it."""
    folders = [PurePosixPath(document.path).parent for document in upload.documents]
    above = PurePosixPath(member.path).parents
    nearest = max(
        range(len(folders)),
        key=lambda at: (len(folders[at].parts) if folders[at] in above else -1, -at),
    )
    return folders[nearest], lineages[nearest]


def _relative(path: str, base: PurePosixPath) -> str:
    """Return the path by which rich text names an attachment: from the folder of the ReqIF file on."""
    prefix = f"{base}/"
    return path.removeprefix(prefix) if str(base) != "." else path
