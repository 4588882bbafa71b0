"""Mails, links that are mailed, verified addresses, and what a sign-in was made with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261128_0008_accounts"
down_revision = "20261128_0007_data_keys"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Code of the version before goes on: what it does not write has a default or may be null."""
    op.create_table(
        "mails",
        sa.Column("mail_id", sa.Uuid(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("plain", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("mail_id", name="pk_mails"),
    )
    op.create_index(
        "ix_mails_due_at", "mails", ["due_at"], postgresql_where=sa.text("state = 'queued'")
    )
    op.create_index("ix_mails_created_at", "mails", ["created_at"])
    op.create_table(
        "account_links",
        sa.Column("link_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=True),
        sa.Column("scope", sa.Uuid(), nullable=True),
        sa.Column("details", postgresql.JSONB(), nullable=False),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("link_id", name="pk_account_links"),
        sa.UniqueConstraint("token_hash", name="uq_account_links_token_hash"),
        sa.ForeignKeyConstraint(["user_id"], ["users.user_id"], name="fk_account_links_user_id"),
        sa.ForeignKeyConstraint(
            ["created_by"], ["users.user_id"], name="fk_account_links_created_by"
        ),
    )
    for column in ("user_id", "created_by", "email", "scope"):
        op.create_index(f"ix_account_links_{column}", "account_links", [column])
    op.add_column("users", sa.Column("email_verified_at", sa.DateTime(timezone=True)))
    for column in ("address", "user_agent"):
        op.add_column(
            "refresh_families", sa.Column(column, sa.Text(), nullable=False, server_default="")
        )


def downgrade() -> None:
    """Mails that wait are lost, and links that were mailed open nothing any more."""
    for column in ("user_agent", "address"):
        op.drop_column("refresh_families", column)
    op.drop_column("users", "email_verified_at")
    op.drop_table("account_links")
    op.drop_table("mails")
