"""Every check of an installation that needs no server to talk to, those of the features among them."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from reqtrail.bootstrap.metadata import metadata
from reqtrail.features.audit.public import find_keys, last_signer, unsealed_seconds
from reqtrail.features.identity.public import signing_key_age
from reqtrail.features.notifications.public import queued_webhooks
from reqtrail.features.versioning.public import queued_seals
from reqtrail.platform.checks import (
    database,
    files,
    keys,
    mail,
    redis,
    replicas,
    schema,
    settings,
)
from reqtrail.platform.checks.model import (
    Check,
    Finding,
    Installation,
    failed,
    fine,
    in_thread,
    warning,
)
from reqtrail.platform.crypto import KeysUnusable, SecretUnreadable
from reqtrail.platform.jobs.runner import queued_jobs
from reqtrail.platform.jobs.scheduling import overdue_seconds
from reqtrail.platform.mail.outbox import queued as queued_mails

assert metadata.tables  # the checks of the database compare it with them

NO_WORKER_SECONDS: Final = 60.0
NO_SCHEDULER_SECONDS: Final = 120.0
"""A worker seals the audit log every second, whatever else it does."""
LONG_SECONDS: Final = 600.0
"""Other jobs may wait for each other for a while."""
SPARE: Final = timedelta(days=2)
"""For the API processes, which replace an old signing key once a day."""


async def _signing(installation: Installation) -> Finding:
    try:
        async with installation.opened().read_session() as session:
            age = await signing_key_age(session)
    except (SecretUnreadable, KeysUnusable) as error:
        return failed(
            "signing_key_unreadable",
            f"The key that signs access tokens cannot be read: {error}",
            "Put the master key back, or run `reqtrail keys rotate-signing`; nobody is signed out.",
        )
    if age is None:
        return warning(
            "signing_key_missing",
            "There is no key that signs access tokens yet.",
            "The first API process makes one when it starts.",
        )
    most = installation.settings.signing_key_days
    if age > timedelta(days=most) + SPARE:
        return warning(
            "signing_key_old",
            f"The key that signs access tokens is {age.days} days old, and should be replaced after {most}.",
            "See why the API processes do not do it, or run `reqtrail keys rotate-signing`.",
            days=age.days,
        )
    return fine(f"The key that signs access tokens can be read; it is {age.days} days old.")


async def _audit(installation: Installation) -> Finding:
    try:
        found = await in_thread(lambda: find_keys(installation.settings))
    except ValueError as error:
        return failed("audit_key_invalid", f"{error}.", "Put the right key back from your backup.")
    except OSError as error:
        return failed(
            "audit_key_unreadable",
            f"The keys of the audit log cannot be read: {error.strerror}.",
            "Give audit.keys to the user that runs Reqtrail.",
        )
    if found is None:
        return warning(
            "audit_key_missing",
            "There is no key that signs the audit log yet.",
            "The first process makes one. If there was one before, put audit.keys back.",
        )
    return fine(f"The audit log is signed with the key {found.key_id}.")


async def _record(installation: Installation) -> Finding:
    try:
        found = await in_thread(lambda: find_keys(installation.settings))
    except (ValueError, OSError):
        found = None
    signer = await last_signer(installation.opened())
    if signer is None:
        return fine("No key has signed the audit log yet.")
    if found is not None and found.knows(signer):
        return fine("The audit log was last signed with a key that is known here.")
    return failed(
        "audit_key_unknown",
        f"The audit log was last signed with the key {signer}, which is not known here: it cannot be verified.",
        "Put that key back, behind the present one, in REQTRAIL_AUDIT_KEYS or audit.keys.",
        key=signer,
    )


async def _jobs(installation: Installation) -> list[Finding]:
    opened = installation.opened()
    unsealed = await unsealed_seconds(opened)
    async with opened.read_session() as session:
        mails = await queued_mails(session)
        overdue = await overdue_seconds(session)
    waiting = {
        "seals of baselines": await queued_seals(opened),
        "mails": mails,
        "webhooks": await queued_webhooks(opened),
    }
    for kind, queue in (await queued_jobs(opened)).items():
        waiting[f"{kind} jobs"] = queue
    details = {name.split()[0]: count for name, (count, _) in waiting.items()}
    details["unsealed_seconds"] = round(unsealed)
    if unsealed > NO_WORKER_SECONDS:
        return [
            failed(
                "no_worker",
                f"Events of the audit log have waited for {_time(unsealed)}: no worker does its work.",
                "Start one: `reqtrail up`, or python -m reqtrail.entrypoints.worker. If one runs, see its log.",
                **details,
            )
        ]
    found = [
        warning(
            "jobs_wait",
            f"{name.capitalize()} wait, {count} of them, the oldest for {_time(seconds)}.",
            "See the log of the workers, and start more of them if they are busy.",
            **details,
        )
        for name, (count, seconds) in waiting.items()
        if seconds > LONG_SECONDS
    ]
    if overdue > NO_SCHEDULER_SECONDS:
        found.append(
            warning(
                "no_scheduler",
                f"What is due again and again, such as clearing up, has waited for {_time(overdue)}.",
                "Start one: `reqtrail up`, or python -m reqtrail.entrypoints.scheduler. If one runs, see its log.",
                **details,
            )
        )
    return found or [fine("No job has waited for long.", **details)]


def _time(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.0f} h"


CHECKS: Final = (
    *settings.CHECKS,
    *files.CHECKS,
    *(check for check in keys.CHECKS if not check.needs),
    Check("keys.audit", "Keys of the audit log", _audit),
    *database.CHECKS,
    *replicas.CHECKS,
    *schema.CHECKS,
    *(check for check in keys.CHECKS if check.needs),
    Check("keys.signing", "Signing key", _signing, needs=("keys.data",)),
    Check("audit", "Audit log", _record, needs=("database.migrations",)),
    Check("jobs", "Jobs", _jobs, needs=("database.migrations",)),
    *redis.CHECKS,
    *mail.CHECKS,
)
"""In this order: what others need comes before them."""
