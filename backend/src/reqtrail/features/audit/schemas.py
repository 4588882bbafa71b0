"""The JSON of audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from reqtrail.features.audit.types import Report, Row
from reqtrail.features.audit.types import SealState as State
from reqtrail.platform.auditing import INSTANCE


class AuditActor(BaseModel):
    """Who did it."""

    id: UUID
    display_name: str


class AuditEventRead(BaseModel):
    """What happened: who, when, from where, what, and the values before and after."""

    id: UUID
    occurred_at: datetime
    actor: AuditActor | None
    proof: str
    proof_id: str | None
    address: str | None
    user_agent: str | None
    request_id: str | None
    project_id: UUID | None
    action: str
    outcome: str
    subject_kind: str | None
    subject_id: str | None
    old: dict[str, Any] | None
    new: dict[str, Any] | None
    details: dict[str, Any] | None

    @classmethod
    def of(cls, row: Row, names: dict[UUID, str]) -> AuditEventRead:
        """Return a stored event as it is read."""
        actor_id = row["actor_id"]
        actor = AuditActor(id=actor_id, display_name=names.get(actor_id, "")) if actor_id else None
        project_id = None if row["project_id"] == INSTANCE else row["project_id"]
        shown = {
            name: row[name]
            for name in cls.model_fields
            if name not in {"id", "actor", "project_id"}
        }
        return cls(id=row["event_id"], actor=actor, project_id=project_id, **shown)


class AuditPage(BaseModel):
    """Events, newest first. ``next`` is the cursor of the next page."""

    events: list[AuditEventRead]
    next: str | None


class AuditSealRead(BaseModel):
    """How far the record is sealed: the newest signature, and what waits for the next."""

    sealed: int
    root: str | None
    signed_at: datetime | None
    key_id: str | None
    signature: str | None
    unsealed: int
    unsealed_since: datetime | None

    @classmethod
    def of(cls, state: State) -> AuditSealRead:
        """Return a state as it is read."""
        newest = state.checkpoint
        return cls(
            sealed=newest.size if newest else 0,
            root=newest.root.hex() if newest else None,
            signed_at=newest.signed_at if newest else None,
            key_id=newest.key_id if newest else None,
            signature=newest.signature.hex() if newest else None,
            unsealed=state.unsealed,
            unsealed_since=state.unsealed_since,
        )


class AuditProblemRead(BaseModel):
    """What does not agree: removed, changed, inserted, tree or signature."""

    what: str
    detail: str
    seq: int | None
    event_id: UUID | None
    occurred_at: datetime | None


class AuditReportRead(BaseModel):
    """What a verification of the record found."""

    ok: bool
    sealed: int
    unsealed: int
    unsealed_since: datetime | None
    retired: int
    checkpoints: int
    problems: list[AuditProblemRead]

    @classmethod
    def of(cls, report: Report) -> AuditReportRead:
        """Return a report as it is read."""
        return cls(
            ok=report.ok,
            problems=[AuditProblemRead(**vars(problem)) for problem in report.problems],
            **{name: value for name, value in vars(report).items() if name != "problems"},
        )
