"""Events, which nobody may change, and the hash tree that shows if somebody did.

The application's database role may read and add events, and nothing else. ``project_id`` is ``auditing.INSTANCE`` for
what belongs to no project. No table here has a foreign key: events outlive what they are about.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Index,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    Uuid,
)
from sqlalchemy.dialects.postgresql import JSONB

from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.database.walls import (
    APPEND,
    TO_ADMINISTRATORS,
    Policy,
    Wall,
    open_to_task,
)

_ADMINISTRATORS = Policy("administrators", "SELECT", TO_ADMINISTRATORS)
_RETIREMENT = (
    "project_id = '00000000-0000-0000-0000-000000000000'::uuid AND action = 'audit:retire'"
)

audit_events = Table(
    "audit_events",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("actor_id", Uuid, nullable=True),
    Column("proof", Text, nullable=False),
    Column("proof_id", Text, nullable=True),
    Column("address", Text, nullable=True),
    Column("user_agent", Text, nullable=True),
    Column("request_id", Text, nullable=True),
    Column("action", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("subject_kind", Text, nullable=True),
    Column("subject_id", Text, nullable=True),
    Column("old", JSONB(none_as_null=True), nullable=True),
    Column("new", JSONB(none_as_null=True), nullable=True),
    Column("details", JSONB(none_as_null=True), nullable=True),
    PrimaryKeyConstraint("project_id", "occurred_at", "event_id"),
    Index("ix_audit_events_actor", "project_id", "actor_id", "occurred_at"),
    Index("ix_audit_events_subject", "project_id", "subject_id", "occurred_at"),
    Index("ix_audit_events_time", "occurred_at", "event_id"),
    info={
        "scope": "tenant",
        "monthly": True,
        "wall": Wall(
            also=(
                APPEND,
                _ADMINISTRATORS,
                # Whoever verifies a record must know what was dropped with its time.
                Policy("retirements", "SELECT", _RETIREMENT),
                *open_to_task("audit"),
            )
        ),
    },
    postgresql_partition_by="RANGE (occurred_at)",
)
"""What happened. Partitioned by month; a month goes as a whole when its time is over."""

audit_unsealed = Table(
    "audit_unsealed",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("event_id", Uuid, nullable=False),
    PrimaryKeyConstraint("project_id", "occurred_at", "event_id"),
    info={
        "scope": "tenant",
        "wall": Wall(delete=True, also=(APPEND, _ADMINISTRATORS, *open_to_task("audit", "DELETE"))),
    },
)
"""Events that the sealer has not taken up yet. A row comes with its event and goes with its leaf."""

audit_leaves = Table(
    "audit_leaves",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("occurred_at", DateTime(timezone=True), nullable=False),
    Column("event_id", Uuid, nullable=False),
    Column("leaf", LargeBinary, nullable=False),
    PrimaryKeyConstraint("project_id", "seq"),
    Index("ix_audit_leaves_event", "project_id", "event_id", unique=True),
    info={
        "scope": "tenant",
        "wall": Wall(also=(_ADMINISTRATORS, *open_to_task("audit", "INSERT"))),
    },
)
"""The leaves of each project's tree, in the order in which they were sealed, from 0. They outlive their events."""

audit_checkpoints = Table(
    "audit_checkpoints",
    metadata,
    Column("project_id", Uuid, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary, nullable=False),
    Column("peaks", LargeBinary, nullable=False),
    Column("signed_at", DateTime(timezone=True), nullable=False),
    Column("key_id", Text, nullable=False),
    Column("signature", LargeBinary, nullable=False),
    PrimaryKeyConstraint("project_id", "size"),
    info={
        "scope": "tenant",
        "wall": Wall(also=(_ADMINISTRATORS, *open_to_task("audit", "INSERT"))),
    },
)
"""A signature under the tree of the first ``size`` leaves.

``peaks`` are the roots of its full subtrees, from which the tree goes on.
"""
