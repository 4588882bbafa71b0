"""Webhooks, and what came of the requests that they sent."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_0017_webhooks"
down_revision = "20261128_0016_read_restrictions"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """New tables; the version before sends nothing, and what it commits is told once this one runs."""
    op.create_table(
        "webhooks",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.LargeBinary(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=False),
        sa.Column("main_only", sa.Boolean(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("seen_seq", sa.BigInteger(), nullable=False),
        sa.Column("test_asked", sa.Boolean(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("due_at", MOMENT, nullable=False),
        sa.Column("leased_until", MOMENT, nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.project_id"], name=op.f("fk_webhooks_project_id")
        ),
        sa.PrimaryKeyConstraint("project_id", "webhook_id", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "webhook_attempts",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("milliseconds", sa.Integer(), nullable=False),
        sa.Column("attempted_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "webhook_id"],
            ["webhooks.project_id", "webhooks.webhook_id"],
            name=op.f("fk_webhook_attempts_project_id_webhook_id"),
        ),
        sa.PrimaryKeyConstraint("project_id", "attempt_id", name=op.f("pk_webhook_attempts")),
    )
    op.create_index(
        op.f("ix_webhook_attempts_project_id_webhook_id_attempt_id"),
        "webhook_attempts",
        ["project_id", "webhook_id", "attempt_id"],
    )


def downgrade() -> None:
    """Nobody is told of anything then."""
    op.drop_table("webhook_attempts")
    op.drop_table("webhooks")
