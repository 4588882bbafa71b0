"""The texts of mails, which hold links that open something, are sealed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_0018_sealed_mails"
down_revision = "20261128_0017_webhooks"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """What waits already keeps its text as it is until it is sent, which takes its text away."""
    op.add_column("mails", sa.Column("sealed", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    """Texts of mails that still wait are lost: whoever asked for one asks again."""
    op.drop_column("mails", "sealed")
