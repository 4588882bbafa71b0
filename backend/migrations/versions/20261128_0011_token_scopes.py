"""API tokens are limited to permissions and projects, and say how they are recognised and when they were last used."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_0011_token_scopes"
down_revision = "20261128_0010_redaction"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Tokens that exist go on to be good for all that their account may do: their holders were promised that."""
    op.add_column("api_tokens", sa.Column("permissions", sa.ARRAY(sa.Text()), nullable=True))
    op.add_column("api_tokens", sa.Column("project_ids", sa.ARRAY(sa.Uuid()), nullable=True))
    op.add_column("api_tokens", sa.Column("hint", sa.Text(), nullable=True))
    op.add_column(
        "api_tokens", sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True)
    )


def downgrade() -> None:
    """The version before knows no limits, and would take a limited token for one without: they end."""
    op.execute(
        "UPDATE api_tokens SET revoked_at = clock_timestamp()"
        " WHERE revoked_at IS NULL AND (permissions IS NOT NULL OR project_ids IS NOT NULL)"
    )
    for column in ("last_used_at", "hint", "project_ids", "permissions"):
        op.drop_column("api_tokens", column)
