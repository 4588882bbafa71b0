"""What of a project not every member may read."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261128_0016_read_restrictions"
down_revision = "20261128_0015_single_sign_on"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """A new table; the version before does not look here, and shows every member everything."""
    op.create_table(
        "read_restrictions",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("entity_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("group_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["project_id", "entity_id"],
            ["entities.project_id", "entities.entity_id"],
            name=op.f("fk_read_restrictions_project_id"),
        ),
        sa.PrimaryKeyConstraint("project_id", "entity_id", name=op.f("pk_read_restrictions")),
    )


def downgrade() -> None:
    """Every member may read everything then."""
    op.drop_table("read_restrictions")
