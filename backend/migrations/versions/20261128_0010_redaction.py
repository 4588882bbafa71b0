"""Redaction: every branch knows the project's newest one, and its commits are found without reading the others."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261128_0010_redaction"
down_revision = "20261128_0009_audit"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Code of the version before leaves the column at 0, which is true as long as it cannot redact."""
    op.add_column(
        "branches", sa.Column("redacted_seq", sa.BigInteger(), nullable=False, server_default="0")
    )
    op.create_index(
        "ix_commits_redactions",
        "commits",
        ["project_id"],
        postgresql_where=sa.text("kind = 'redaction'"),
    )


def downgrade() -> None:
    """The version before would take what was redacted for tampered with."""
    if op.get_bind().scalar(sa.text("SELECT count(*) FROM commits WHERE kind = 'redaction'")):
        raise RuntimeError("Something was redacted, which the older version cannot verify.")
    op.drop_index("ix_commits_redactions", "commits")
    op.drop_column("branches", "redacted_seq")
