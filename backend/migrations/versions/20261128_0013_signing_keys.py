"""The keys that sign access tokens."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261128_0013_signing_keys"
down_revision = "20261128_0012_audit_role"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """The first process of the new version makes the first key; the version before does not look here."""
    op.create_table(
        "signing_keys",
        sa.Column("kid", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("public_key", postgresql.JSONB(), nullable=False),
        sa.Column("sealed_private_key", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(retired_at IS NULL) = (sealed_private_key IS NOT NULL)",
            name=op.f("ck_signing_keys_private"),
        ),
        sa.CheckConstraint(
            "(retired_at IS NULL) = (expires_at IS NULL)", name=op.f("ck_signing_keys_expiry")
        ),
        sa.PrimaryKeyConstraint("kid", name=op.f("pk_signing_keys")),
    )
    op.create_index(
        "uq_signing_keys_active",
        "signing_keys",
        ["algorithm"],
        unique=True,
        postgresql_where=sa.text("retired_at IS NULL"),
    )


def downgrade() -> None:
    """Tokens that the keys signed are refused; browsers get new ones without asking anybody."""
    op.drop_table("signing_keys")
