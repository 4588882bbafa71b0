"""Everything that features register with each other, in one call."""

from __future__ import annotations

from reqtrail.bootstrap.auditing import register_audit
from reqtrail.bootstrap.jobs import register_jobs
from reqtrail.bootstrap.kinds import register_kinds
from reqtrail.bootstrap.project_initialisers import register_project_initialisers
from reqtrail.features.access.public import accept_membership
from reqtrail.features.identity.public import register_acceptor


def register_all() -> None:
    """Wire the features together; calling it again changes nothing."""
    register_audit()
    register_jobs()
    register_kinds()
    register_project_initialisers()
    register_acceptor(accept_membership)
