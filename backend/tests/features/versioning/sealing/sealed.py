"""Projects with everything in them, sealed; a seal computed the plain way; and the stand-alone verifier as a module."""

from __future__ import annotations

import hashlib
import importlib.util
import io
import random
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import select

from reqtrail.features.files.public import store
from reqtrail.features.requirements.public import default_schema
from reqtrail.features.versioning.public import Snapshot, all_kinds, visible
from reqtrail.features.versioning.sealing import (
    Seal,
    export_baseline,
    request_seal,
    run_pending_seals,
    seal_state,
)
from reqtrail.features.versioning.service import branches
from reqtrail.kit.ids import new_id
from tests.factories.engine import Bench, BenchProject, create, delete

VERIFIER = Path(__file__).resolve().parents[5] / "examples" / "verify_baseline.py"
ODD_TEXT = (
    'quote " backslash \\ tab \t newline \n bell \x07 delete \x7f line \u2028 é 水 \U0001f600'
)


def load_verifier() -> Any:
    """Return examples/verify_baseline.py as a module."""
    spec = importlib.util.spec_from_file_location("verify_baseline", VERIFIER)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def populated(bench: Bench, items: int = 12) -> BenchProject:
    """Make a project with something of every kind, something past, and something deleted."""
    project = await bench.project()
    await project.commit(*default_schema(project.project_id))
    document, link = new_id(), new_id()
    ids = [new_id() for _ in range(items)]
    data = random.Random(items).randbytes(50)
    async with project.database.session() as session:
        sha256 = await store(session, project.project_id, data)
    await project.commit(
        create("document", document),
        *(create("item", item, attributes={"a": f"text {n}"}) for n, item in enumerate(ids)),
        create("placement", new_id(), document_id=document, item_id=ids[0]),
        create("link", link, source_id=ids[0], target_id=ids[1]),
        create(
            "link_group",
            new_id(),
            type_id=None,
            name="Group",
            source_document_id=None,
            target_document_id=None,
            link_ids=[str(link)],
        ),
        create("package", new_id(), path="a.reqif", header={"title": "t", "big": 2**62}),
        create(
            "file",
            new_id(),
            path="media/a.png",
            sha256=sha256,
            media_type="image/png",
            size=len(data),
            package_id=None,
        ),
    )
    await project.edit_item(ids[0], {"a": ODD_TEXT, "b": ["one", "two"], "c": True})
    await project.commit(delete("item", ids[2]))
    return project


async def baseline(project: BenchProject, name: str, ref: str | None = None) -> Snapshot:
    """Make a baseline and ask for its seal; return what it names."""
    async with project.database.session() as session:
        await branches.create_baseline(
            session, project.project_id, project.author_id, name, ref, "for tests"
        )
    snapshot = await project.at(name)
    async with project.database.session() as session:
        await request_seal(session, project.project_id, snapshot)
    return snapshot


async def sealed(project: BenchProject, snapshot: Snapshot) -> Seal:
    """Seal *snapshot* at once; return the seal."""
    async with project.database.session() as session:
        await request_seal(session, project.project_id, snapshot)
    await run_pending_seals(project.database)
    return await state(project, snapshot)


async def state(project: BenchProject, snapshot: Snapshot) -> Seal:
    """Return the seal of *snapshot*."""
    async with project.database.read_session() as session:
        found = await seal_state(session, project.project_id, snapshot.branch_id, snapshot.seq)
    assert found is not None
    return found


async def exported(project: BenchProject, snapshot: Snapshot) -> bytes:
    """Return the file that proves a sealed snapshot."""
    out = io.BytesIO()
    async with project.database.read_session() as session:
        await export_baseline(session, snapshot, out)
    return out.getvalue()


async def plain_seal(project: BenchProject, ref: str | int) -> tuple[bytes, int]:
    """Return root and number of leaves at a ref, by the words of the documentation and nothing else."""
    snapshot = await project.at(ref)
    leaves: dict[int, list[tuple[bytes, bytes]]] = {number: [] for number in range(4096)}
    async with project.database.read_session() as session:
        for kind in all_kinds():
            rows = visible(kind.table, snapshot)
            for entity_id, content_hash in await session.execute(
                select(rows.c.entity_id, rows.c.content_hash)
            ):
                leaf = _sha256(b"\0", kind.name.encode(), entity_id.bytes, content_hash)
                number = int(_sha256(entity_id.bytes).hex()[:3], 16)
                leaves[number].append((entity_id.bytes, leaf))
    roots = [_tree([leaf for _, leaf in sorted(bucket)]) for bucket in leaves.values()]
    count = sum(map(len, leaves.values()))
    root = _sha256(b"\2", snapshot.commit_hash, count.to_bytes(8, "big"), _tree(roots))
    return root, count


def _sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def _tree(hashes: list[bytes]) -> bytes:
    if not hashes:
        return _sha256()
    if len(hashes) == 1:
        return hashes[0]
    half = 1 << (len(hashes) - 1).bit_length() - 1
    return _sha256(b"\1", _tree(hashes[:half]), _tree(hashes[half:]))


async def some_ids(project: BenchProject, kind: str, snapshot: Snapshot) -> list[UUID]:
    """Return the ids of everything of a kind that is visible."""
    table = next(item.table for item in all_kinds() if item.name == kind)
    async with project.database.read_session() as session:
        rows = visible(table, snapshot)
        return sorted(await session.scalars(select(rows.c.entity_id)))
