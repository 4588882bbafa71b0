"""The exact bytes that a seal is made of. docs/user/baselines.md describes them for those who check a seal.

=============  =====================================================================================================
leaf           SHA-256 of ``00``, the kind's name, the 16 bytes of the entity's id, the 32 bytes of its content hash
inner node     SHA-256 of ``01``, the left and the right hash
bucket         the first 12 bits of SHA-256 of the entity's id
bucket's root  Merkle root of its leaves, sorted by the entities' ids
tree           Merkle root of the 4096 buckets' roots
sealed root    SHA-256 of ``02``, the commit's hash, the number of leaves in 8 bytes, the tree
=============  =====================================================================================================

*Members* are a bucket as it is stored: for each entity, sorted by id, the 16 bytes of its id and the 32 of its leaf.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import UUID

from reqtrail.features.versioning.types import CommitRecord, Content
from reqtrail.kit.canonical_json import canonical_bytes
from reqtrail.kit.merkle import HASH_BYTES, leaf_hash, merkle_root

BUCKETS: Final = 4096
ID_BYTES: Final = 16
MEMBER_BYTES: Final = ID_BYTES + HASH_BYTES

_SEAL: Final = b"\x02"


def bucket_of(entity_id: UUID) -> int:
    """Return the bucket of an entity. Ids made at the same time begin alike, so the id itself would not spread."""
    digest = hashlib.sha256(entity_id.bytes).digest()
    return digest[0] << 4 | digest[1] >> 4


def leaf_of(kind: str, entity_id: UUID, content_hash: bytes) -> bytes:
    """Return the leaf of a visible revision. All but the kind has a fixed length, so the parts are told apart."""
    return leaf_hash(kind.encode() + entity_id.bytes + content_hash)


def sealed_root(commit_hash: bytes, leaf_count: int, tree: bytes) -> bytes:
    """Return the one hash that stands for a seal."""
    count = leaf_count.to_bytes(8, "big")
    return hashlib.sha256(_SEAL + commit_hash + count + tree).digest()


def leaves_of(members: bytes) -> list[bytes]:
    """Return the leaves of a bucket."""
    return [
        members[place : place + HASH_BYTES] for place in range(ID_BYTES, len(members), MEMBER_BYTES)
    ]


def bucket_root(members: bytes) -> bytes:
    """Return the root of a bucket."""
    return merkle_root(leaves_of(members))


def unpacked(members: bytes) -> dict[bytes, bytes]:
    """Return a bucket's leaves by entity id, in their order."""
    return {
        members[place : place + ID_BYTES]: members[place + ID_BYTES : place + MEMBER_BYTES]
        for place in range(0, len(members), MEMBER_BYTES)
    }


def packed(leaves: Mapping[bytes, bytes]) -> bytes:
    """Return the members of a bucket from its leaves by entity id."""
    return b"".join(entity_id + leaves[entity_id] for entity_id in sorted(leaves))


def split_roots(roots: bytes) -> list[bytes]:
    """Return the roots of all buckets from the bytes in which they are stored."""
    return [roots[place : place + HASH_BYTES] for place in range(0, len(roots), HASH_BYTES)]


def tree_root(roots: Iterable[bytes]) -> bytes:
    """Return the root of the tree over the buckets' roots."""
    return merkle_root(list(roots))


def revision_form(kind: str, key: str | None, content: Content) -> bytes:
    """Return the canonical form of a revision that is not deleted: with the salt before it, it has its content hash."""
    return canonical_bytes({"kind": kind, "key": key, "deleted": False, "content": content})


def commit_form(project_id: UUID, record: CommitRecord, changes: bytes) -> bytes:
    """Return the canonical form of a commit, whose SHA-256 is its hash."""
    form: dict[str, Any] = {
        "project": project_id,
        "seq": record.seq,
        "branch": record.branch_id,
        "kind": record.kind,
        "parents": list(record.parents),
        "author": record.author_id,
        "message": record.message,
        "authored_at": record.authored_at,
        "recorded_at": record.recorded_at,
        "details": dict(record.details),
        "changes": changes,
    }
    return canonical_bytes(form)
