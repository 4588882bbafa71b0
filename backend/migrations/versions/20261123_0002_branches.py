"""Branches with a parent and a history of bases, names that are never given twice, baselines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261123_0002"
down_revision = "20261123_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("branches", sa.Column("parent_id", sa.Uuid(), nullable=True))
    op.add_column("branches", sa.Column("state", sa.Text(), nullable=False, server_default="open"))
    op.add_column(
        "branches",
        sa.Column("is_protected", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("branches", sa.Column("synced_branch_id", sa.Uuid(), nullable=True))
    op.add_column("branches", sa.Column("synced_seq", sa.BigInteger(), nullable=True))
    op.add_column(
        "branches", sa.Column("merged_seq", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.create_index(
        op.f("ix_branches_project_id_parent_id"), "branches", ["project_id", "parent_id"]
    )
    op.create_table(
        "branch_bases",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("from_seq", sa.BigInteger(), nullable=False),
        sa.Column("parent_branch_id", sa.Uuid(), nullable=False),
        sa.Column("parent_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint(
            "project_id", "branch_id", "from_seq", name=op.f("pk_branch_bases")
        ),
    )
    op.create_index(
        op.f("ix_branch_bases_project_id_parent_branch_id"),
        "branch_bases",
        ["project_id", "parent_branch_id"],
    )
    op.create_table(
        "ref_names",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("folded", sa.Text(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("baseline_id", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("project_id", "folded", name=op.f("pk_ref_names")),
    )
    op.create_index(
        op.f("ix_ref_names_project_id_branch_id"), "ref_names", ["project_id", "branch_id"]
    )
    op.create_table(
        "baselines",
        sa.Column("project_id", sa.Uuid(), nullable=False),
        sa.Column("baseline_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("branch_id", sa.Uuid(), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("commit_hash", sa.LargeBinary(), nullable=False),
        sa.Column("made_seq", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("project_id", "baseline_id", name=op.f("pk_baselines")),
        sa.UniqueConstraint("project_id", "name", name=op.f("uq_baselines_project_id_name")),
    )
    op.create_index(
        op.f("ix_baselines_project_id_branch_id"), "baselines", ["project_id", "branch_id"]
    )
    op.execute(
        "INSERT INTO ref_names (project_id, folded, branch_id)"
        " SELECT project_id, lower(name), branch_id FROM branches"
    )
    for table, columns, name in _REFERENCES:
        op.create_foreign_key(op.f(name), table, "branches", columns, ["project_id", "branch_id"])


def downgrade() -> None:
    """Only a project without branches and baselines can go back: their commits would lose their meaning."""
    left = op.get_bind().scalar(
        sa.text(
            "SELECT (SELECT count(*) FROM baselines)"
            " + (SELECT count(*) FROM branches WHERE parent_id IS NOT NULL)"
        )
    )
    if left:
        raise RuntimeError("There are branches or baselines, which the older version cannot read.")
    for table, _, name in _REFERENCES:
        op.drop_constraint(op.f(name), table, type_="foreignkey")
    op.drop_table("baselines")
    op.drop_table("ref_names")
    op.drop_table("branch_bases")
    op.drop_index(op.f("ix_branches_project_id_parent_id"), "branches")
    for column in (
        "merged_seq",
        "synced_seq",
        "synced_branch_id",
        "is_protected",
        "state",
        "parent_id",
    ):
        op.drop_column("branches", column)


_REFERENCES = (
    ("branches", ["project_id", "parent_id"], "fk_branches_project_id_parent_id"),
    ("branch_bases", ["project_id", "branch_id"], "fk_branch_bases_project_id_branch_id"),
    (
        "branch_bases",
        ["project_id", "parent_branch_id"],
        "fk_branch_bases_project_id_parent_branch_id",
    ),
    ("ref_names", ["project_id", "branch_id"], "fk_ref_names_project_id_branch_id"),
    ("baselines", ["project_id", "branch_id"], "fk_baselines_project_id_branch_id"),
)
