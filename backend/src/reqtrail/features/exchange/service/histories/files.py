"""A ReqIF file as one state of a history: when it was written, by whom, and whether it was imported before."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from reqtrail.features.exchange.errors import HistoryInvalid
from reqtrail.features.exchange.repository import histories
from reqtrail.features.exchange.service.histories.claims import (
    rehearse_baselines,
    split_baselines,
)
from reqtrail.features.exchange.types import HistoryRequest, Job
from reqtrail.platform.database.engine import Database


@dataclass(frozen=True)
class Claim:
    """What an import says of the commit that it makes.

    Attributes:
        details: To be kept with the commit.
        author: Who wrote the state; None is who imports it.
        authored_at: None is now.
        baselines: Names for it.
        known: The commit that imported the file before; then nothing is to be written.
        as_owner: Whether a protected branch may be written to.
    """

    details: Mapping[str, Any]
    author: str | None = None
    authored_at: datetime | None = None
    baselines: tuple[str, ...] = ()
    known: int | None = None
    as_owner: bool = False

    @property
    def of_history(self) -> bool:
        """Whether the commit stands for a state of a history, so that it is written even if nothing changed."""
        return "history" in self.details


async def claim_of(database: Database, job: Job, times: Iterable[str]) -> Claim:
    """Return what the import of a ReqIF file claims.

    Args:
        times: When the file says that it was written, the best first.

    Raises:
        HistoryInvalid: If nobody says when the state was written, or a baseline cannot be made of it.
        RefNameInvalid, RefNameTaken: If a baseline cannot have its name.
    """
    details = {"file": job.file_name, "import": str(job.job_id)}
    request = job.history
    if request is None:
        return Claim(details)
    authored_at = _moment(request, times)
    names = split_baselines(request.baselines)
    if any(names.values()):
        raise HistoryInvalid("A baseline of a ReqIF file is asked for with its name alone.")
    async with database.read_session() as session:
        known = await histories.imported_file(session, job.project_id, request.sha256, authored_at)
    await rehearse_baselines(database, job, dict.fromkeys(names, known))
    source = {"sha256": request.sha256}
    return Claim(
        {**details, "imported_by": str(job.author_id), "author": request.author, "history": source},
        request.author,
        authored_at,
        tuple(names),
        known,
        request.as_owner,
    )


def _moment(request: HistoryRequest, times: Iterable[str]) -> datetime:
    for text in (request.authored_at or "", *times):
        try:
            moment = datetime.fromisoformat(text.strip())
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    raise HistoryInvalid(
        "Neither the file's header nor its objects say when they were written: give the date."
    )
