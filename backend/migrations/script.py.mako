"""${message}

A migration runs while the old code still serves: add, backfill and enforce in separate steps, make indexes
concurrently, and keep every lock short (env.py sets lock_timeout to 5 s). What the application's role may do with a new
table, and its policies, follow from its info["wall"]; see reqtrail.platform.database.walls. Policies bind the owner too: a
step that touches rows of projects says ALTER TABLE ... NO FORCE ROW LEVEL SECURITY first, and FORCE at its end.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = ${repr(branch_labels)}
depends_on = ${repr(depends_on)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}


def downgrade() -> None:
    ${downgrades if downgrades else "pass"}
