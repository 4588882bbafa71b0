"""Recomputing the hash tree of a project from its events, and naming what does not agree."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.audit import repository
from reqtrail.features.audit.service.sealing import leaf_of
from reqtrail.features.audit.service.signing import SealKeys
from reqtrail.features.audit.types import Checkpoint, Leaf, Problem, Report, Row
from reqtrail.kit.clock import isoformat
from reqtrail.kit.merkle import append_leaf, root_of_peaks

BATCH: Final = 1000
MOST_PROBLEMS: Final = 20
"""Problems that a report names; one is enough to know."""


class _Verification:
    """One walk along the leaves of a project."""

    def __init__(
        self, session: AsyncSession, project_id: UUID, keys: SealKeys, gone_before: datetime | None
    ) -> None:
        self._session = session
        self._project_id = project_id
        self._keys = keys
        self._gone_before = gone_before
        self._peaks: list[bytes] = []
        self.size = 0
        self.retired = 0
        self.checkpoints = 0
        self.problems: list[Problem] = []

    async def walk(self) -> None:
        """Compare every leaf with its event, and every signature with the tree as it was then."""
        while leaves := await repository.list_leaves(
            self._session, self._project_id, self.size, BATCH
        ):
            events = await repository.events_of_leaves(self._session, self._project_id, leaves)
            last = leaves[-1].seq + 1
            signatures = {
                item.size: item
                for item in await repository.list_checkpoints(
                    self._session, self._project_id, self.size, last
                )
            }
            for leaf in leaves:
                if leaf.seq != self.size:
                    self._say(
                        Problem("tree", f"The leaves from {self.size} on are missing.", self.size)
                    )
                    return
                self._take(leaf, events.get(leaf.event_id))
                if self.size in signatures:
                    self._check(signatures[self.size])
        latest = await repository.latest_checkpoint(self._session, self._project_id)
        signed = latest.size if latest else 0
        if signed != self.size:
            detail = f"{signed} leaves are signed for, and {self.size} are there."
            self._say(Problem("tree", detail, min(signed, self.size)))

    def _take(self, leaf: Leaf, event: Row | None) -> None:
        self._peaks = append_leaf(self.size, self._peaks, leaf.leaf)
        self.size += 1
        if event is None and self._gone_before and leaf.occurred_at < self._gone_before:
            self.retired += 1
        elif event is None:
            self._say(_about("removed", leaf, "was sealed and is not there any more"))
        elif leaf_of(event, leaf.event_id) != leaf.leaf:
            self._say(_about("changed", leaf, "is not what was sealed", event))

    def _check(self, checkpoint: Checkpoint) -> None:
        self.checkpoints += 1
        when = isoformat(checkpoint.signed_at)
        if not self._keys.has_signed(checkpoint):
            detail = f"The signature under {checkpoint.size} events of {when} is by no known key."
            self._say(Problem("signature", detail, checkpoint.size - 1))
        if root_of_peaks(self._peaks) != checkpoint.root:
            detail = (
                f"The tree of the first {checkpoint.size} events is not the one signed {when}:"
                " leaves were changed too."
            )
            self._say(Problem("tree", detail, checkpoint.size - 1))

    async def look_for_strangers(self) -> None:
        """Name events that came by another way than Reqtrail's."""
        for place in await repository.strangers(self._session, self._project_id, MOST_PROBLEMS):
            detail = (
                f"The event {place.event_id} of {isoformat(place.occurred_at)} was put in:"
                " it is not sealed and does not wait for it."
            )
            self._say(Problem("inserted", detail, None, place.event_id, place.occurred_at))

    def _say(self, problem: Problem) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(problem)


def _about(what: str, leaf: Leaf, detail: str, event: Row | None = None) -> Problem:
    action = f" ({event['action']})" if event else ""
    text = f"The event {leaf.event_id} of {isoformat(leaf.occurred_at)}{action} {detail}."
    return Problem(
        "changed" if what == "changed" else "removed",
        text,
        leaf.seq,
        leaf.event_id,
        leaf.occurred_at,
    )


async def verify_events(session: AsyncSession, project_id: UUID, keys: SealKeys) -> Report:
    """Recompute the record of a project, or of the instance, and say what was removed, changed or put in.

    What is not sealed yet cannot be checked; the report says how much that is and since when.
    """
    verification = _Verification(session, project_id, keys, await repository.retired_until(session))
    await verification.walk()
    await verification.look_for_strangers()
    unsealed, since = await repository.count_unsealed(session, project_id)
    return Report(
        sealed=verification.size,
        unsealed=unsealed,
        unsealed_since=since,
        retired=verification.retired,
        checkpoints=verification.checkpoints,
        problems=tuple(verification.problems),
    )
