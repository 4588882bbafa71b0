"""Imports are run by the queue of all jobs: each gets a job of its own id, and its row stays as the record of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261129_0022_imports_as_jobs"
down_revision = "20261129_0021_trace_parents"
branch_labels = None
depends_on = None

MOMENT = sa.DateTime(timezone=True)
OPEN = "('queued', 'running', 'committing')"

QUEUE = f"""
    INSERT INTO jobs (project_id, job_id, kind, author_id, state, priority, payload, attempts,
        most_attempts, run_at, renewals, phase, done, total, error, cancel_requested, trace_parent,
        created_at, finished_at, expires_at)
    SELECT project_id, job_id, 'exchange.import', author_id,
        CASE WHEN state IN {OPEN} THEN CASE WHEN cancel_requested THEN 'cancelled' ELSE 'queued' END
            WHEN state = 'dry_run_ready' THEN 'done' ELSE state END,
        20, '{{}}', attempts, attempts + 5, created_at, 0,
        CASE WHEN state IN {OPEN} THEN 'queued' ELSE phase END, done, total, error,
        cancel_requested, trace_parent, created_at,
        CASE WHEN state NOT IN {OPEN} OR cancel_requested
            THEN coalesce(finished_at, clock_timestamp()) END,
        CASE WHEN state NOT IN {OPEN} OR cancel_requested
            THEN coalesce(finished_at, clock_timestamp()) + interval '7 days' END
    FROM exchange_jobs
    WHERE finished_at IS NULL OR finished_at > clock_timestamp() - interval '7 days'
    ON CONFLICT DO NOTHING
    """  # nosec B608 - constants


def upgrade() -> None:
    """What waits or is under way is queued; of what ended within a week there is a job to be listed.

    A process of the version before can neither queue nor take up an import any more: one of its own that is under way
    is undone, and begun anew by this version.
    """
    _force("NO FORCE")
    op.execute(QUEUE)
    op.execute("UPDATE exchange_jobs SET state = 'queued' WHERE state = 'running'")
    for name in ("attempts", "lease_until", "cancel_requested", "trace_parent"):
        op.drop_column("exchange_jobs", name)
    _force("FORCE")


def _force(how: str) -> None:
    for table in ("exchange_jobs", "jobs"):
        op.execute(f"ALTER TABLE {table} {how} ROW LEVEL SECURITY")


def downgrade() -> None:
    """Imports wait in their own queue again; those that were given up have failed."""
    _force("NO FORCE")
    op.add_column("exchange_jobs", sa.Column("trace_parent", sa.Text(), nullable=True))
    op.add_column("exchange_jobs", sa.Column("lease_until", MOMENT, nullable=True))
    for name, kind, default in (
        ("attempts", sa.Integer(), "0"),
        ("cancel_requested", sa.Boolean(), "false"),
    ):
        op.add_column(
            "exchange_jobs", sa.Column(name, kind, nullable=False, server_default=default)
        )
        op.alter_column("exchange_jobs", name, server_default=None)
    op.execute(
        "UPDATE exchange_jobs e SET state = 'failed', finished_at = clock_timestamp()"
        f" WHERE state IN {OPEN} AND NOT EXISTS (SELECT FROM jobs j WHERE j.project_id = e.project_id"
        " AND j.job_id = e.job_id AND j.state IN ('queued', 'running'))"  # nosec B608 - constants
    )
    op.execute("DELETE FROM jobs WHERE kind = 'exchange.import'")
    _force("FORCE")
