"""Groups of accounts, their roles in projects, and one view of who has which role where."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_0006_groups"
down_revision = "20261124_0004"
branch_labels = None
depends_on = None

_RANKED = "array_position(ARRAY['owner', 'editor', 'reviewer', 'commenter', 'viewer'], role)"


def upgrade() -> None:
    """Code of the version before goes on to read memberships alone: nobody is in a group yet."""
    op.create_table(
        "groups",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("group_id", name=op.f("pk_groups")),
        sa.UniqueConstraint("name", name=op.f("uq_groups_name")),
    )
    op.create_table(
        "group_members",
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("manages", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("group_id", "user_id", name=op.f("pk_group_members")),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.group_id"], name=op.f("fk_group_members_group_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.user_id"], name=op.f("fk_group_members_user_id")
        ),
    )
    op.create_index(op.f("ix_group_members_user_id"), "group_members", ["user_id"])
    op.create_table(
        "group_grants",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("group_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "group_id", name=op.f("pk_group_grants")),
        sa.ForeignKeyConstraint(
            ["project_id"], ["projects.project_id"], name=op.f("fk_group_grants_project_id")
        ),
        sa.ForeignKeyConstraint(
            ["group_id"], ["groups.group_id"], name=op.f("fk_group_grants_group_id")
        ),
    )
    op.create_index(op.f("ix_group_grants_group_id"), "group_grants", ["group_id"])
    op.execute(
        "CREATE VIEW project_access WITH (security_invoker = true) AS"  # nosec B608 - constants
        " SELECT project_id, user_id,"
        " (ARRAY['owner', 'editor', 'reviewer', 'commenter', 'viewer'])[min(rank)] AS role"
        f" FROM (SELECT project_id, user_id, {_RANKED} AS rank FROM memberships"
        f" UNION ALL SELECT project_id, user_id, {_RANKED} AS rank"
        " FROM group_grants JOIN group_members USING (group_id)) AS granted"
        " GROUP BY project_id, user_id"
    )


def downgrade() -> None:
    """Roles that came through groups end."""
    op.execute("DROP VIEW project_access")
    for table in ("group_grants", "group_members", "groups"):
        op.drop_table(table)
