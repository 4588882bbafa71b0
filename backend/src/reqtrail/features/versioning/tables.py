"""The storage of the version engine: what every versioned table shares, and the tables of the engine itself.

A *revision* is the state of one entity as written by one commit on one branch. It is the branch's own state at
sequence ``s`` when ``seq_from <= s < seq_to``. The current revision has ``seq_to = SEQ_MAX`` and
``superseded_at = 'infinity'``. A versioned table is partitioned by ``superseded_at``: one hot partition holds the
current revisions, one cold partition a year holds history.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    false,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.walls import LISTED, Wall, open_to_task

SEQ_MAX: Final = 2**63 - 1
"""``seq_to`` of a current revision: no later commit has superseded it."""

ENGINE_COLUMNS: Final = (
    "project_id",
    "branch_id",
    "entity_id",
    "seq_from",
    "seq_to",
    "superseded_at",
    "deleted",
    "salt",
    "content_hash",
)


def _names(content: Iterable[Any]) -> list[str]:
    return [str(item.name) for item in content if isinstance(item, Column)]


def versioned_table(name: str, *content: Any) -> Table:
    """Declare a versioned table: the engine's columns followed by the *content* columns of the owning feature.

    The migration that makes it must also make its partitions (``partitions.create_partitions``): ``<name>_hot`` and
    the cold years. One current revision an entity and branch is a unique index on the hot partition itself.
    """
    return Table(
        name,
        metadata,
        Column("project_id", Uuid, nullable=False),
        Column("branch_id", Uuid, nullable=False),
        Column("entity_id", Uuid, nullable=False),
        Column("seq_from", BigInteger, nullable=False),
        Column("seq_to", BigInteger, nullable=False),
        Column("superseded_at", DateTime(timezone=True), nullable=False),
        Column("deleted", Boolean, nullable=False),
        Column("salt", LargeBinary, nullable=True),
        Column("content_hash", LargeBinary, nullable=False),
        *content,
        PrimaryKeyConstraint("project_id", "branch_id", "entity_id", "seq_from", "superseded_at"),
        ForeignKeyConstraint(
            ["project_id", "entity_id"], ["entities.project_id", "entities.entity_id"]
        ),
        Index(None, "project_id", "branch_id", "seq_from", "seq_to"),
        info={
            "scope": "tenant",
            "versioned": True,
            # An interval is closed, and a redaction takes content away. What a revision is never changes, nor its hash.
            "wall": Wall(update=("seq_to", "superseded_at", "salt", *(_names(content)))),
        },
        postgresql_partition_by="RANGE (superseded_at)",
    )


entities = Table(
    "entities",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("entity_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("key", Text, nullable=True),
    PrimaryKeyConstraint("project_id", "entity_id"),
    UniqueConstraint("project_id", "key"),
    ForeignKeyConstraint(["project_id"], ["projects.project_id"]),
    info={"scope": "tenant"},
)
"""The lasting identity of everything versioned. Not versioned itself; what must point at an item points here."""

branches = Table(
    "branches",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("branch_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("created_seq", BigInteger, nullable=False),
    Column("head_seq", BigInteger, nullable=False),
    Column("head_hash", LargeBinary, nullable=False),
    Column("head_recorded_at", DateTime(timezone=True), nullable=False),
    Column("parent_id", Uuid, nullable=True),
    Column("state", Text, nullable=False, server_default="open"),
    Column("is_protected", Boolean, nullable=False, server_default=false()),
    Column("synced_branch_id", Uuid, nullable=True),
    Column("synced_seq", BigInteger, nullable=True),
    Column("merged_seq", BigInteger, nullable=False, server_default="0"),
    Column("redacted_seq", BigInteger, nullable=False, server_default="0"),
    PrimaryKeyConstraint("project_id", "branch_id"),
    UniqueConstraint("project_id", "name"),
    ForeignKeyConstraint(["project_id"], ["projects.project_id"]),
    ForeignKeyConstraint(
        ["project_id", "parent_id"], ["branches.project_id", "branches.branch_id"]
    ),
    Index(None, "project_id", "parent_id"),
    info={"scope": "tenant", "wall": Wall(update=True, also=LISTED)},
)
"""A line of commits. ``main`` is the root, without a parent; ``head_*`` name a branch's newest commit.

``state`` is ``open``, ``merged`` or ``discarded``. ``synced_*`` name the state that branch and parent had last in
common, on either of the two: the base of the next merge. ``merged_seq`` is the branch's own commit up to which the
parent has it. ``redacted_seq`` is the newest redaction of the whole project. All of it follows from the commits, and
verification recomputes it from them.
"""

branch_bases = Table(
    "branch_bases",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("branch_id", Uuid, nullable=False),
    Column("from_seq", BigInteger, nullable=False),
    Column("parent_branch_id", Uuid, nullable=False),
    Column("parent_seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("project_id", "branch_id", "from_seq"),
    ForeignKeyConstraint(
        ["project_id", "branch_id"], ["branches.project_id", "branches.branch_id"]
    ),
    ForeignKeyConstraint(
        ["project_id", "parent_branch_id"], ["branches.project_id", "branches.branch_id"]
    ),
    Index(None, "project_id", "parent_branch_id"),
    info={"scope": "tenant"},
)
"""What lies below a branch: from its commit ``from_seq`` on, the parent as of the parent's commit ``parent_seq``."""

ref_names = Table(
    "ref_names",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("folded", Text, nullable=False),
    Column("branch_id", Uuid, nullable=False),
    Column("baseline_id", Uuid, nullable=True),
    PrimaryKeyConstraint("project_id", "folded"),
    ForeignKeyConstraint(
        ["project_id", "branch_id"], ["branches.project_id", "branches.branch_id"]
    ),
    Index(None, "project_id", "branch_id"),
    info={"scope": "tenant"},
)
"""Every name that a branch or a baseline ever had, without regard to case. A name is never given twice."""

baselines = Table(
    "baselines",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("baseline_id", Uuid, nullable=False),
    Column("name", Text, nullable=False),
    Column("description", Text, nullable=False),
    Column("branch_id", Uuid, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("commit_hash", LargeBinary, nullable=False),
    Column("made_seq", BigInteger, nullable=False),
    PrimaryKeyConstraint("project_id", "baseline_id"),
    UniqueConstraint("project_id", "name"),
    ForeignKeyConstraint(
        ["project_id", "branch_id"], ["branches.project_id", "branches.branch_id"]
    ),
    Index(None, "project_id", "branch_id"),
    info={"scope": "tenant"},
)
"""Named, immutable refs: the state after commit ``seq`` of a branch. Commit ``made_seq`` made the baseline."""

project_counters = Table(
    "project_counters",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("last_seq", BigInteger, nullable=False),
    Column("last_recorded_at", DateTime(timezone=True), nullable=False),
    Column("last_item_number", BigInteger, nullable=False),
    PrimaryKeyConstraint("project_id"),
    ForeignKeyConstraint(["project_id"], ["projects.project_id"]),
    info={"scope": "tenant", "wall": Wall(update=True, also=open_to_task("webhooks verifying"))},
)
"""The counter row that a commit locks before it touches any other row."""

commits = Table(
    "commits",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("branch_id", Uuid, nullable=False),
    Column("kind", Text, nullable=False),
    Column("parents", ARRAY(LargeBinary), nullable=False),
    Column("hash", LargeBinary, nullable=False),
    Column("author_id", Uuid, nullable=False),
    Column("message", Text, nullable=False),
    Column("authored_at", DateTime(timezone=True), nullable=False),
    Column("recorded_at", DateTime(timezone=True), nullable=False),
    Column("details", JSONB, nullable=False),
    PrimaryKeyConstraint("project_id", "seq"),
    ForeignKeyConstraint(
        ["project_id", "branch_id"], ["branches.project_id", "branches.branch_id"]
    ),
    ForeignKeyConstraint(["author_id"], ["users.user_id"]),
    Index(None, "project_id", "branch_id", "seq"),
    Index(None, "project_id", "branch_id", "recorded_at"),
    Index(None, "author_id"),
    Index("ix_commits_redactions", "project_id", postgresql_where=text("kind = 'redaction'")),
    info={"scope": "tenant"},
)
"""``kind``: ``init``, ``edit``, ``import``, ``revert``, ``restore``, ``update``, ``merge``, and for what changes no
content ``branch``, ``branch_renamed``, ``branch_protected``, ``branch_closed``, ``baseline``; ``redaction`` is all that
ever removes content. ``details``: JSON object, covered by the hash.
"""
