"""Seals of what is visible at a commit, and the buckets of leaves that they share."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_0003_seals"
down_revision = "20261123_0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "seals",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("commit_hash", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("next_bucket", sa.Integer(), nullable=False),
        sa.Column("rehashed", sa.Integer(), nullable=False),
        sa.Column("roots", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_count", sa.BigInteger(), nullable=True),
        sa.Column("root", sa.LargeBinary(), nullable=True),
        sa.Column("tree", sa.LargeBinary(), nullable=True),
        sa.Column("changes", sa.LargeBinary(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "branch_id", "seq", name=op.f("pk_seals")),
    )
    op.create_index(
        "ix_seals_waiting",
        "seals",
        ["project_id", "requested_at"],
        postgresql_where=sa.text("state IN ('pending', 'sealing')"),
    )
    op.create_table(
        "seal_buckets",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("members", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "root", name=op.f("pk_seal_buckets")),
    )
    op.create_foreign_key(
        op.f("fk_seals_project_id_branch_id"),
        "seals",
        "branches",
        ["project_id", "branch_id"],
        ["project_id", "branch_id"],
    )
    op.create_foreign_key(
        op.f("fk_seal_buckets_project_id"),
        "seal_buckets",
        "projects",
        ["project_id"],
        ["project_id"],
    )
    # Hashes do not compress; without this PostgreSQL would try to for each bucket.
    op.execute("ALTER TABLE seal_buckets ALTER COLUMN members SET STORAGE EXTERNAL")


def downgrade() -> None:
    """Seals follow from the history: what is dropped here can be made again."""
    op.drop_table("seal_buckets")
    op.drop_table("seals")
