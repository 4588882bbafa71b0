"""Proofs: that one entity was visible at what was sealed, with this content; and all of them, as one file.

docs/user/baselines.md describes the file for those who check it; examples/verify_baseline.py does.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import replace
from typing import Any, Final, Protocol
from uuid import UUID

import orjson
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.versioning.errors import EntityNotFound
from reqtrail.features.versioning.sealing import repository
from reqtrail.features.versioning.sealing.evidence import entries_of, facts_of, members_of
from reqtrail.features.versioning.sealing.forms import (
    MEMBER_BYTES,
    bucket_of,
    leaves_of,
    split_roots,
    unpacked,
)
from reqtrail.features.versioning.sealing.service import finished_seal
from reqtrail.features.versioning.sealing.types import Entry, Facts, Proof, Seal, steps_as_json
from reqtrail.features.versioning.types import Snapshot
from reqtrail.kit.merkle import EMPTY, Step, merkle_path, merkle_paths

FORMAT: Final = "reqtrail-baseline"
VERSION: Final = 1

_BUCKETS_TOGETHER: Final = 256
_ENTITIES_TOGETHER: Final = 2000
"""How many buckets, and how many contents, are read at a time."""


class Sink(Protocol):
    """Whatever takes bytes, such as a file opened for writing."""

    def write(self, data: bytes, /) -> object:
        """Take *data*."""


async def proof(session: AsyncSession, snapshot: Snapshot, kind: str, entity_id: UUID) -> Proof:
    """Return the proof that an entity was visible at *snapshot*, with its content, its salt and all steps to the root.

    Raises:
        NotSealed: If the snapshot has no seal that is ready.
        EntityNotFound: If there is no such entity of this kind at the snapshot.
        SealBroken: If what is stored disagrees with the seal.
    """
    seal = await finished_seal(session, snapshot)
    roots = split_roots(await repository.load_roots(session, seal))
    number = bucket_of(entity_id)
    members = await members_of(session, seal, [roots[number]])
    leaves = unpacked(members.get(roots[number], b""))
    leaf = leaves.get(entity_id.bytes)
    found = {} if leaf is None else await entries_of(session, snapshot, {entity_id: leaf})
    if entity_id not in found or found[entity_id].kind != kind:
        raise EntityNotFound(f"There is no {kind} {entity_id} at this version.", id=str(entity_id))
    path = merkle_path(list(leaves.values()), list(leaves).index(entity_id.bytes))
    return Proof(
        await facts_of(session, seal),
        number,
        roots[number],
        tuple(merkle_path(roots, number)),
        replace(found[entity_id], path=tuple(path)),
    )


def proof_file(proof: Proof) -> bytes:
    """Return *proof* as an exported file that holds this one entity."""
    head = _head(proof.facts, "part")
    return head + _bucket(proof.bucket, proof.bucket_root, proof.bucket_path, [proof.entry]) + _END


async def export_baseline(session: AsyncSession, snapshot: Snapshot, out: Sink) -> None:
    """Write everything that was visible at *snapshot*, with its proofs, to *out*: see :func:`export_pieces`."""
    async for piece in export_pieces(session, snapshot):
        out.write(piece)


async def export_pieces(session: AsyncSession, snapshot: Snapshot) -> AsyncIterator[bytes]:
    """Yield the file that proves a whole baseline, piece by piece; memory does not grow with the project.

    Raises:
        NotSealed: If the snapshot has no seal that is ready; before the first piece.
        SealBroken: If what is stored disagrees with the seal; what was yielded so far then lacks its end.
    """
    seal = await finished_seal(session, snapshot)
    roots = split_roots(await repository.load_roots(session, seal))
    tops = merkle_paths(roots)
    yield _head(await facts_of(session, seal), "all")
    between = b""
    async for members in _batches(session, seal, roots):
        wanted = {
            UUID(bytes=key): leaf
            for bucket in members.values()
            for key, leaf in unpacked(bucket).items()
        }
        entries = await entries_of(session, snapshot, wanted)
        for number, bucket in members.items():
            listed = _with_paths(bucket, entries)
            yield between + _bucket(number, roots[number], tops[number], listed)
            between = b",\n"
    yield _END if between else _END.lstrip()


async def _batches(
    session: AsyncSession, seal: Seal, roots: list[bytes]
) -> AsyncIterator[dict[int, bytes]]:
    """Yield the members of all buckets that are not empty, some buckets at a time."""
    numbers = [number for number, root in enumerate(roots) if root != EMPTY]
    for start in range(0, len(numbers), _BUCKETS_TOGETHER):
        some = numbers[start : start + _BUCKETS_TOGETHER]
        found = await members_of(session, seal, (roots[number] for number in some))
        batch: dict[int, bytes] = {}
        size = 0
        for number in some:
            batch[number] = found[roots[number]]
            size += len(batch[number]) // MEMBER_BYTES
            if size >= _ENTITIES_TOGETHER:
                yield batch
                batch, size = {}, 0
        if batch:
            yield batch


def _with_paths(members: bytes, entries: dict[UUID, Entry]) -> Iterator[Entry]:
    paths = merkle_paths(leaves_of(members))
    for key, path in zip(unpacked(members), paths, strict=True):
        yield replace(entries[UUID(bytes=key)], path=tuple(path))


# The file is JSON, and a bucket is a line of it, so that it is written and checked without holding it in memory.
_END: Final = b"\n]}\n"


def _head(facts: Facts, holds: str) -> bytes:
    head: dict[str, Any] = {
        "format": FORMAT,
        "version": VERSION,
        "holds": holds,
        "root": facts.root.hex(),
        "tree": facts.tree.hex(),
        "leaves": facts.leaf_count,
        "commit": facts.commit.as_json(),
        "baselines": [item.as_json() for item in facts.baselines],
        "buckets": [],
    }
    return orjson.dumps(head).removesuffix(b"]}") + b"\n"


def _bucket(number: int, root: bytes, path: Iterable[Step], entries: Iterable[Entry]) -> bytes:
    return orjson.dumps(
        {
            "bucket": number,
            "root": root.hex(),
            "path": steps_as_json(tuple(path)),
            "entities": [entry.as_json() for entry in entries],
        }
    )
