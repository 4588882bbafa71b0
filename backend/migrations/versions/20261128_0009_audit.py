"""Audit events, partitioned by month, and the hash tree that seals them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from reqtrail.kit import clock
from reqtrail.platform.database.partitions import month_partition_statement, months_to_have

revision = "20261128_0009_audit"
down_revision = "20261128_0008_accounts"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_events()
    make_seals()


def make_events() -> None:
    op.create_table(
        "audit_events",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("proof_id", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("user_agent", sa.Text(), nullable=True),
        sa.Column("request_id", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("subject_kind", sa.Text(), nullable=True),
        sa.Column("subject_id", sa.Text(), nullable=True),
        sa.Column("old", postgresql.JSONB(), nullable=True),
        sa.Column("new", postgresql.JSONB(), nullable=True),
        sa.Column("details", postgresql.JSONB(), nullable=True),
        sa.PrimaryKeyConstraint(
            "project_id", "occurred_at", "event_id", name=op.f("pk_audit_events")
        ),
        postgresql_partition_by="RANGE (occurred_at)",
    )
    for month in months_to_have(clock.now()):
        op.execute(month_partition_statement("audit_events", month))
    op.create_index(
        "ix_audit_events_actor", "audit_events", ["project_id", "actor_id", "occurred_at"]
    )
    op.create_index(
        "ix_audit_events_subject", "audit_events", ["project_id", "subject_id", "occurred_at"]
    )
    op.create_index("ix_audit_events_time", "audit_events", ["occurred_at", "event_id"])
    op.create_table(
        "audit_unsealed",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint(
            "project_id", "occurred_at", "event_id", name=op.f("pk_audit_unsealed")
        ),
    )


def make_seals() -> None:
    op.create_table(
        "audit_leaves",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("occurred_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("leaf", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "seq", name=op.f("pk_audit_leaves")),
    )
    op.create_index(
        "ix_audit_leaves_event", "audit_leaves", ["project_id", "event_id"], unique=True
    )
    op.create_table(
        "audit_checkpoints",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("peaks", sa.LargeBinary(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("signature", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "size", name=op.f("pk_audit_checkpoints")),
    )


def downgrade() -> None:
    """The code of the version before records nothing; export the events first if they must be kept."""
    op.drop_table("audit_checkpoints")
    op.drop_table("audit_leaves")
    op.drop_table("audit_unsealed")
    op.drop_table("audit_events")
