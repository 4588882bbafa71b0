"""Sending what webhooks tell: in order, at least once, again after a wait that doubles, and never without end.

The commit log is the queue: a webhook remembers how far its receiver is. So nothing is written when a commit is made,
nothing is lost while nobody sends, and a receiver that was away gets all that it missed.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import structlog

from reqtrail.features.identity.public import display_names
from reqtrail.features.notifications import repository
from reqtrail.features.notifications.service import messages
from reqtrail.features.notifications.tables import WEBHOOK_SECRET, WEBHOOK_URL
from reqtrail.features.notifications.types import Attempt, EventType, Webhook
from reqtrail.features.projects.public import get_project_key
from reqtrail.features.versioning.public import MAIN, CommitRead, load_branches, load_commits
from reqtrail.kit import clock
from reqtrail.kit.ids import new_id
from reqtrail.platform.crypto import KeysUnusable, SecretUnreadable, unseal
from reqtrail.platform.database.engine import Database
from reqtrail.platform.database.scope import of_project, of_task
from reqtrail.platform.outbound import AddressRefused, Outbound, OutboundFailed
from reqtrail.platform.settings import Settings
from reqtrail.platform.telemetry.tracing import continued_from

logger = structlog.get_logger()

LEASE: Final = timedelta(seconds=20)
"""How long a worker has from one request to the next, which may take ten; another one goes on if it dies."""
MOST_ERROR: Final = 500
"""Characters of an error that are kept."""
AT_ONCE: Final = 20
"""Commits that are told before another webhook has its turn."""
FIRST_WAIT_SECONDS: Final = 15.0
LONGEST_WAIT_SECONDS: Final = 3600.0
MOST_FAILURES: Final = 24
"""In a row, over some 17 hours; then the webhook is paused."""
ROUND_SECONDS: Final = 10.0
"""After so long a slow receiver gives its place to another webhook."""
MOST_TIMED: Final = 20
"""Webhooks of which it is looked up how long they have waited: a query each."""
GONE: Final = 410
"""The answer of a receiver that wants nothing more: Standard Webhooks has it end the webhook."""


@dataclass(frozen=True)
class _Message:
    event: EventType
    seq: int | None
    message_id: str
    body: bytes


@dataclass(frozen=True)
class _Round:
    """What a worker needs to send, read in one transaction."""

    url: str
    secret: str
    messages: list[_Message]
    seen_seq: int


@dataclass(frozen=True)
class _Outcome:
    """What came of a request; ``error`` is empty for success."""

    event: EventType
    seq: int | None
    status: int | None
    error: str
    at: datetime
    milliseconds: int = 0


def outbound_of(settings: Settings) -> Outbound:
    """Return what webhooks send by: to the internet by TLS, and to what *settings* allow inside."""
    return Outbound(allowed=settings.outbound_allow, require_tls=True)


async def deliver_next(database: Database, outbound: Outbound) -> bool:
    """Send what the webhook that has waited longest has to tell; return whether there was one.

    Any number of workers may do this. One that dies leaves a lease that runs out; what it sent last may be sent again,
    under the same ``webhook-id``.
    """
    async with database.within(of_task("webhooks")).session() as session:
        claimed = await repository.claim(session, LEASE)
    if claimed is None:
        return False
    # The commit log, which is the queue, is hashed and does not say which request wrote to it.
    with continued_from(None, "webhook"):
        await _deliver(database, outbound, *claimed)
    return True


async def _deliver(database: Database, outbound: Outbound, hook: Webhook, newest: int) -> None:
    inside = database.within(of_project(hook.project_id))
    try:
        work = await _prepare(inside, hook, newest)
    except (KeysUnusable, SecretUnreadable) as error:
        event = EventType.TEST if hook.test_asked else EventType.COMMIT
        await _settle(inside, hook, _Outcome(event, None, None, str(error), clock.now()))
        return
    began, seen = time.monotonic(), work.seen_seq
    for message in work.messages:
        settled = await _settle(inside, hook, await _send(outbound, work, message))
        if settled is None or settled.failures:
            return
        hook = settled
        if time.monotonic() - began > ROUND_SECONDS:
            seen = hook.seen_seq
            break
    async with inside.session() as session:
        # It is due again, after all that are due already.
        await repository.settle(session, hook, seen_seq=seen, due_at=clock.now(), leased_until=None)


async def queued_webhooks(database: Database) -> tuple[int, float]:
    """Return how many webhooks have something to tell and nobody sends it, and for how many seconds the oldest waited.

    One waits from the commit that its receiver lacks, or from the end of the wait after a failure. If more than
    :data:`MOST_TIMED` wait, the oldest is one of those that are due first.
    """
    async with database.within(of_task("webhooks")).read_session() as session:
        due = await repository.list_due(session)
    now, longest = clock.now(), 0.0
    for hook in due[:MOST_TIMED]:
        next_seq = hook.seen_seq + 1
        async with database.within(of_project(hook.project_id)).read_session() as session:
            missed = await load_commits(session, hook.project_id, [next_seq])
        if next_seq in missed:  # else it is a test, whose time nobody notes
            since = max(hook.due_at, missed[next_seq].recorded_at)
            longest = max(longest, (now - since).total_seconds())
    return len(due), longest


async def webhooks_behind(database: Database) -> tuple[int, float]:
    """Return how many webhooks have receivers that lack commits, and for how many seconds the furthest has.

    Unlike those of :func:`queued_webhooks` they may be sent to at this moment, or wait since their receiver failed. If
    there are more than :data:`MOST_TIMED`, the furthest is one of those that failed most often.
    """
    async with database.within(of_task("webhooks")).read_session() as session:
        behind = await repository.list_behind(session)
    now, furthest = clock.now(), 0.0
    for hook in behind[:MOST_TIMED]:
        next_seq = hook.seen_seq + 1
        async with database.within(of_project(hook.project_id)).read_session() as session:
            missed = await load_commits(session, hook.project_id, [next_seq])
        if next_seq in missed:
            furthest = max(furthest, (now - missed[next_seq].recorded_at).total_seconds())
    return len(behind), furthest


async def _prepare(database: Database, hook: Webhook, newest: int) -> _Round:
    place = (hook.project_id, hook.webhook_id)
    async with database.read_session() as session:
        url = (await unseal(session, WEBHOOK_URL, place, hook.url)).decode()
        secret = (await unseal(session, WEBHOOK_SECRET, place, hook.secret)).decode()
        key = await get_project_key(session, hook.project_id) or ""
        last = min(newest, hook.seen_seq + AT_ONCE)
        found = await load_commits(session, hook.project_id, range(hook.seen_seq + 1, last + 1))
        branches = {
            row.branch_id: row.name for row in await load_branches(session, hook.project_id)
        }
        names = await display_names(session, {commit.author_id for commit in found.values()})
    told: list[_Message] = []
    if hook.test_asked:
        body = messages.test_message(hook.project_id, key, clock.now())
        told.append(_Message(EventType.TEST, None, str(new_id()), body))
    for seq, commit in sorted(found.items()):
        branch = branches.get(commit.branch_id, "")
        if hook.main_only and branch != MAIN:
            continue
        body = messages.commit_message(hook.project_id, key, branch, CommitRead.of(commit, names))
        told.append(_Message(EventType.COMMIT, seq, messages.message_id(hook, seq), body))
    return _Round(url, secret, told, last)


async def _send(outbound: Outbound, work: _Round, message: _Message) -> _Outcome:
    now, began = clock.now(), time.monotonic()
    status, error = None, ""
    try:
        answer = await outbound.fetch(
            "POST",
            work.url,
            headers=messages.headers(work.secret, message.message_id, now, message.body),
            content=message.body,
        )
        status = answer.status
        if not 200 <= status < 300:
            error = f"The receiver answered {status}."
    except (AddressRefused, OutboundFailed) as refusal:
        error = str(refusal)
    took = round(1000 * (time.monotonic() - began))
    return _Outcome(message.event, message.seq, status, error, now, took)


async def _settle(database: Database, hook: Webhook, outcome: _Outcome) -> Webhook | None:
    """Note what came of a request; return the webhook as it is then, None if it is no longer this worker's."""
    changes = _after_failure(hook, outcome) if outcome.error else _after_success(outcome)
    if outcome.error:
        logger.warning("webhook_failed", webhook=str(hook.webhook_id), error=outcome.error)
    attempt = Attempt(
        new_id(),
        hook.webhook_id,
        outcome.event.value,
        outcome.seq,
        outcome.status,
        outcome.error[:MOST_ERROR],
        outcome.milliseconds,
        outcome.at,
    )
    place = (hook.project_id, hook.webhook_id)
    async with database.session() as session:
        settled = await repository.settle(session, hook, **changes)
        if settled or await repository.find_webhook(session, *place, lock=True):
            await repository.insert_attempt(session, hook.project_id, attempt)
    return settled


def _after_success(outcome: _Outcome) -> Mapping[str, object]:
    renewed = {"failures": 0, "leased_until": clock.now() + LEASE}
    if outcome.seq is None:
        return {**renewed, "test_asked": False}
    return {**renewed, "seen_seq": outcome.seq}


def _after_failure(hook: Webhook, outcome: _Outcome) -> Mapping[str, object]:
    """Return what a failure changes: a test is not repeated, and what cannot succeed ends."""
    failures = hook.failures + 1
    seconds = min(FIRST_WAIT_SECONDS * 2 ** (failures - 1), LONGEST_WAIT_SECONDS)
    wait = timedelta(seconds=seconds * random.uniform(0.8, 1.2))  # noqa: S311 - not a secret
    changes: dict[str, object] = {
        "failures": failures,
        "due_at": clock.now() + wait,
        "leased_until": None,
        "active": failures < MOST_FAILURES and outcome.status != GONE,
    }
    if outcome.event is EventType.TEST:
        changes["test_asked"] = False
    return changes
