"""The application's role, as far as the audit log goes: it may add events and read them."""

from __future__ import annotations

from alembic import op

revision = "20261128_0012_audit_role"
down_revision = "20261128_0011_token_scopes"
branch_labels = None
depends_on = None

KEPT = "audit_events, audit_leaves, audit_checkpoints"


def upgrade() -> None:
    """Roles belong to the whole cluster, so migrations of other databases may be making it at this moment."""
    op.execute(
        "DO $$ BEGIN IF to_regrole('reqtrail_app') IS NULL THEN CREATE ROLE reqtrail_app NOLOGIN; END IF;"
        " EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )
    op.execute(f"GRANT SELECT, INSERT ON {KEPT} TO reqtrail_app")
    op.execute("GRANT SELECT, INSERT, DELETE ON audit_unsealed TO reqtrail_app")


def downgrade() -> None:
    """The role stays: other databases of the cluster may use it."""
    op.execute(f"REVOKE ALL ON {KEPT}, audit_unsealed FROM reqtrail_app")
