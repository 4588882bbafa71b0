"""Work that is done later keeps which request asked for it, as W3C traceparent, while traces are on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261129_0021_trace_parents"
down_revision = "20261129_0020_jobs"
branch_labels = None
depends_on = None

TABLES = ("exchange_jobs", "mails")


def upgrade() -> None:
    """What waits already begins a trace of its own."""
    for table in TABLES:
        op.add_column(table, sa.Column("trace_parent", sa.Text(), nullable=True))


def downgrade() -> None:
    """Nothing is lost but where a trace goes on."""
    for table in TABLES:
        op.drop_column(table, "trace_parent")
