"""The kinds of jobs of all features: the map of what workers do."""

from __future__ import annotations

from typing import Final

from reqtrail.bootstrap.housekeeping import CLEANUP, PARTITIONS
from reqtrail.features.exchange.public import EXPORT, IMPORT
from reqtrail.features.versioning.public import MERGE, SEAL, VERIFY, VERIFY_RECENT
from reqtrail.platform.jobs.registry import register_job_kind
from reqtrail.platform.jobs.types import JobKind

JOB_KINDS: Final[tuple[JobKind, ...]] = (
    CLEANUP,
    EXPORT,
    IMPORT,
    MERGE,
    PARTITIONS,
    SEAL,
    VERIFY,
    VERIFY_RECENT,
)


def register_jobs() -> None:
    """Make every kind of job known; calling it again changes nothing."""
    for kind in JOB_KINDS:
        register_job_kind(kind)
