"""The public keys that check access tokens, for programs beside Reqtrail that are given one."""

from __future__ import annotations

from typing import Any

from fastapi import Depends, Request, Response

from reqtrail.features.identity.deps import get_signer
from reqtrail.platform.http import ApiRouter
from reqtrail.platform.permissions import public

router = ApiRouter(tags=["identity"])


@router.get(
    "/.well-known/jwks.json", operation_id="get_signing_keys", dependencies=[Depends(public)]
)
async def get_signing_keys(request: Request, response: Response) -> dict[str, Any]:
    """Return the key set (RFC 7517): the key that signs now first, then those that signed before."""
    response.headers["Cache-Control"] = "public, max-age=60"
    return get_signer(request).keys.public()
