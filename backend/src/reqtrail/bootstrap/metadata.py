"""The metadata with every table of every feature loaded: what migrations and the schema lint compare against."""

from __future__ import annotations

from reqtrail.features.access import tables as access_tables
from reqtrail.features.audit import tables as audit_tables
from reqtrail.features.exchange import tables as exchange_tables
from reqtrail.features.files import tables as files_tables
from reqtrail.features.identity import tables as identity_tables
from reqtrail.features.identity.factors import tables as factors_tables
from reqtrail.features.identity.signing import tables as signing_tables
from reqtrail.features.identity.single_sign_on import tables as single_sign_on_tables
from reqtrail.features.notifications import tables as notifications_tables
from reqtrail.features.projects import tables as projects_tables
from reqtrail.features.requirements import tables as requirements_tables
from reqtrail.features.traceability import tables as traceability_tables
from reqtrail.features.versioning import tables as versioning_tables
from reqtrail.features.versioning.sealing import tables as sealing_tables
from reqtrail.platform.crypto import tables as crypto_tables
from reqtrail.platform.database.metadata import metadata
from reqtrail.platform.jobs import tables as job_tables
from reqtrail.platform.mail import tables as mail_tables

ALL_TABLE_MODULES = (
    crypto_tables,
    mail_tables,
    job_tables,
    identity_tables,
    factors_tables,
    signing_tables,
    single_sign_on_tables,
    access_tables,
    audit_tables,
    projects_tables,
    files_tables,
    versioning_tables,
    sealing_tables,
    requirements_tables,
    traceability_tables,
    exchange_tables,
    notifications_tables,
)

__all__ = ["ALL_TABLE_MODULES", "metadata"]
