"""How the import of a history was asked for: its dates, authors and baselines."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261124_0004"
down_revision = "20261123_0003_seals"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Code of the version before goes on to queue imports of single files, which have none."""
    op.add_column("exchange_jobs", sa.Column("history", postgresql.JSONB(), nullable=True))


def downgrade() -> None:
    """Histories that are not imported yet would be taken for single files; they are cancelled."""
    op.execute(
        "UPDATE exchange_jobs SET state = 'cancelled', finished_at = clock_timestamp(), lease_until = NULL"
        " WHERE jsonb_typeof(history) = 'object' AND finished_at IS NULL"
    )
    op.drop_column("exchange_jobs", "history")
