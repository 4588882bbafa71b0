"""How many rows a branch has is counted, rather than guessed from two columns that depend on each other."""

from __future__ import annotations

from alembic import op

from reqtrail.platform.database.partitions import hot_statistics_statement

revision = "20261129_0019_branch_statistics"
down_revision = "20261128_0018_sealed_mails"
branch_labels = None
depends_on = None

TABLES = (
    "attribute_definitions",
    "datatypes",
    "documents",
    "files",
    "items",
    "link_groups",
    "links",
    "packages",
    "placements",
    "types",
)


def upgrade() -> None:
    """Counting happens when a table is analysed next, which a large import and autovacuum do."""
    for table in TABLES:
        op.execute(hot_statistics_statement(table))


def downgrade() -> None:
    """Nothing is lost but plans."""
    for table in TABLES:
        op.execute(f"DROP STATISTICS IF EXISTS st_{table}_hot_branch")
