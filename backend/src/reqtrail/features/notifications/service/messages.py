"""What the requests of webhooks say, and how they are signed: as Standard Webhooks (standardwebhooks.com) has it.

Receivers check ``webhook-signature`` with any library for that specification: it is the HMAC with SHA-256, under the
bytes that the secret encodes, of ``webhook-id``, ``webhook-timestamp`` and the body, joined by full stops.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID

import orjson

from reqtrail.features.notifications.types import EventType, Webhook
from reqtrail.features.versioning.public import CommitRead

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32


def new_secret() -> str:
    """Return a secret that no other webhook has."""
    return PREFIX + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def signature(secret: str, message_id: str, moment: datetime, body: bytes) -> str:
    """Return the value of ``webhook-signature``.

    Args:
        moment: When the request is sent; receivers refuse one that is old.
    """
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = f"{message_id}.{int(moment.timestamp())}.".encode() + body
    return f"v1,{base64.b64encode(hmac.digest(key, signed, sha256)).decode()}"


def headers(secret: str, message_id: str, moment: datetime, body: bytes) -> Mapping[str, str]:
    """Return the headers of a request with this body."""
    return {
        "Content-Type": "application/json",
        "User-Agent": "Reqtrail",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": signature(secret, message_id, moment, body),
    }


def message_id(hook: Webhook, seq: int) -> str:
    """Return what names the telling of a commit: the same at each attempt, so that a receiver can drop a repetition."""
    return f"{hook.webhook_id}.{seq}"


def commit_message(project_id: UUID, key: str, branch: str, commit: CommitRead) -> bytes:
    """Return the body that tells of a commit: who, when, where and why; the content is fetched by those who may."""
    told: dict[str, Any] = {
        "project": {"id": str(project_id), "key": key},
        "branch": branch,
        "commit": commit.model_dump(mode="json"),
    }
    return _body(EventType.COMMIT, commit.recorded_at, told)


def test_message(project_id: UUID, key: str, moment: datetime) -> bytes:
    """Return the body of a test."""
    return _body(EventType.TEST, moment, {"project": {"id": str(project_id), "key": key}})


def _body(kind: EventType, moment: datetime, data: Mapping[str, Any]) -> bytes:
    return orjson.dumps({"type": kind.value, "timestamp": moment, "data": data})
