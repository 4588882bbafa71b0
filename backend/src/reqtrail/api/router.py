"""The routers of all features, in the order of the documentation."""

from __future__ import annotations

from typing import Final

from reqtrail.api import client_errors, health
from reqtrail.features.access import endpoints as access
from reqtrail.features.audit import endpoints as audit
from reqtrail.features.collaboration import endpoints as collaboration
from reqtrail.features.exchange import endpoints as exchange
from reqtrail.features.identity import endpoints as identity
from reqtrail.features.jobs import endpoints as jobs
from reqtrail.features.notifications import endpoints as notifications
from reqtrail.features.projects import endpoints as projects
from reqtrail.features.requirements import endpoints as requirements
from reqtrail.features.traceability import endpoints as traceability
from reqtrail.features.versioning import endpoints as versioning

PREFIX: Final = "/api/v1"

ROOT_ROUTERS: Final = (identity.root_router,)
"""What other programs look for at an address of its own, outside the prefix."""

ROUTERS: Final = (
    identity.router,
    projects.router,
    access.router,
    audit.router,
    versioning.router,
    requirements.router,
    traceability.router,
    exchange.router,
    collaboration.router,
    notifications.router,
    jobs.router,
    health.router,
    client_errors.router,
)
