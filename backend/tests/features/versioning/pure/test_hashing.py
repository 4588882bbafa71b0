"""Hashes made again with nothing but the standard library: what an auditor would write from the documentation."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from reqtrail.features.versioning.hashing import (
    GENESIS,
    ChangesDigest,
    commit_hash,
    content_hash,
    new_salt,
)
from reqtrail.features.versioning.types import CommitRecord

PROJECT, BRANCH, AUTHOR, ITEM = (UUID(int=number) for number in range(1, 5))
SALT = bytes(range(16))
WHEN = datetime(2026, 11, 1, 8, 30, tzinfo=UTC)
RECORD = CommitRecord(
    seq=7,
    branch_id=BRANCH,
    kind="edit",
    hash=b"",
    parents=(b"\x01" * 32, b"\x02" * 32),
    author_id=AUTHOR,
    message="Clarify braking",
    authored_at=WHEN,
    recorded_at=WHEN.replace(microsecond=1),
    details={"undo": 3},
)


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def test_a_salt_is_sixteen_random_bytes() -> None:
    """Salts keep dropped contents from being guessed, so no two are alike."""
    salts = {new_salt() for _ in range(100)}
    assert len(salts) == 100
    assert {len(salt) for salt in salts} == {16}


def test_content_hash_is_that_of_the_documented_form() -> None:
    """SHA-256 over the salt and the sorted JSON of kind, key, deletion and content."""
    content = {"title": "Brake", "attributes": {"text": "stops"}}
    form = {"kind": "item", "key": "BRK-1", "deleted": False, "content": content}
    expected = hashlib.sha256(SALT + _canonical(form)).digest()
    assert content_hash(SALT, "item", "BRK-1", False, content) == expected
    form = {"kind": "link", "key": None, "deleted": True, "content": {}}
    assert (
        content_hash(SALT, "link", None, True, {})
        == hashlib.sha256(SALT + _canonical(form)).digest()
    )


@pytest.mark.parametrize(
    "content", [{"a": "x\x00y"}, {"a": ["\x00"]}, {"\x00": 1}, {"a": {"b": "\x00"}}]
)
def test_a_nul_character_is_refused(content: dict[str, Any]) -> None:
    """PostgreSQL cannot store it, so it must not be hashed either."""
    with pytest.raises(TypeError, match="NUL"):
        content_hash(SALT, "item", None, False, content)


def test_a_text_that_only_looks_like_an_escape_is_hashed() -> None:
    content = {"a": "the text \\u0000"}
    form = {"kind": "item", "key": None, "deleted": False, "content": content}
    expected = hashlib.sha256(SALT + _canonical(form)).digest()
    assert content_hash(SALT, "item", None, False, content) == expected


def test_changes_digest_covers_kind_id_deletion_and_hash() -> None:
    """The rows of each kind, in one run of bytes: name, zero, id, deletion, content hash."""
    digest = ChangesDigest()
    digest.add("item", [(ITEM, False, b"h" * 32), (BRANCH, True, b"i" * 32)])
    digest.add("link", [(AUTHOR, False, b"j" * 32)])
    written = (
        b"item\0" + ITEM.bytes + b"\0" + b"h" * 32
        + b"item\0" + BRANCH.bytes + b"\1" + b"i" * 32
        + b"link\0" + AUTHOR.bytes + b"\0" + b"j" * 32
    )  # fmt: skip
    assert digest.digest() == hashlib.sha256(written).digest()
    assert ChangesDigest().digest() == hashlib.sha256().digest()


def test_commit_hash_is_that_of_the_documented_form() -> None:
    """SHA-256 over the sorted JSON of the metadata; bytes as hex, times in UTC with microseconds."""
    form = {
        "project": str(PROJECT),
        "seq": 7,
        "branch": str(BRANCH),
        "kind": "edit",
        "parents": ["01" * 32, "02" * 32],
        "author": str(AUTHOR),
        "message": "Clarify braking",
        "authored_at": "2026-11-01T08:30:00.000000+00:00",
        "recorded_at": "2026-11-01T08:30:00.000001+00:00",
        "details": {"undo": 3},
        "changes": "ff" * 32,
    }
    expected = hashlib.sha256(_canonical(form)).digest()
    assert commit_hash(PROJECT, RECORD, b"\xff" * 32) == expected


@pytest.mark.parametrize(
    "change",
    [
        {"seq": 8},
        {"branch_id": ITEM},
        {"kind": "merge"},
        {"parents": (b"\x02" * 32, b"\x01" * 32)},
        {"author_id": ITEM},
        {"message": ""},
        {"authored_at": WHEN.replace(second=1)},
        {"recorded_at": WHEN},
        {"details": {}},
    ],
    ids=lambda change: next(iter(change)),
)
def test_each_part_of_a_commit_is_covered(change: dict[str, Any]) -> None:
    changes = b"\xff" * 32
    assert commit_hash(PROJECT, replace(RECORD, **change), changes) != commit_hash(
        PROJECT, RECORD, changes
    )
    assert commit_hash(PROJECT, RECORD, GENESIS) != commit_hash(PROJECT, RECORD, changes)
    assert commit_hash(ITEM, RECORD, changes) != commit_hash(PROJECT, RECORD, changes)


def test_genesis_is_thirty_two_zero_bytes() -> None:
    assert GENESIS == b"\0" * 32
