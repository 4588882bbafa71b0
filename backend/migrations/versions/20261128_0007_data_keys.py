"""Data keys, and attachments that are encrypted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_0007_data_keys"
down_revision = "20261128_0006_groups"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Code of the version before goes on to store attachments as they are."""
    op.create_table(
        "data_keys",
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("project_id", sa.Uuid(), nullable=True),
        sa.Column("master_id", sa.Text(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("emptied_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_data_keys")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.project_id"], name=op.f("fk_data_keys_project_id")
        ),
    )
    op.create_index(op.f("ix_data_keys_project_id"), "data_keys", ["project_id"])
    op.create_index(
        "uq_data_keys_active",
        "data_keys",
        ["project_id"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
        postgresql_nulls_not_distinct=True,
    )
    op.add_column(
        "attachments",
        sa.Column("sealed", sa.Boolean(), nullable=False, server_default=sa.text("false")),
    )


def downgrade() -> None:
    """Refuses while anything is encrypted, which nothing could read afterwards."""
    op.execute(
        "DO $$ BEGIN IF EXISTS (SELECT FROM attachments WHERE sealed) THEN"
        " RAISE EXCEPTION 'There are encrypted attachments.'; END IF; END $$"
    )
    op.drop_column("attachments", "sealed")
    op.drop_table("data_keys")
