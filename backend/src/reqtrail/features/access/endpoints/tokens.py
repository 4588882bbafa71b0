"""One's own API tokens."""

from __future__ import annotations

from uuid import UUID

from reqtrail.features.access.schemas import TokenCreate, TokenCreated, TokenRead
from reqtrail.features.access.service import tokens
from reqtrail.features.identity.public import AppSettings, SignedIn, SignedInOnce, SignedInWriter
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter(prefix="/me/tokens")


@router.get("", operation_id="list_tokens")
async def list_tokens(user: SignedIn, session: ReadSession) -> list[TokenRead]:
    """List one's own API tokens, with what they are limited to and when they were last used."""
    found = await tokens.list_tokens(session, user)
    return [
        TokenRead.model_validate({**vars(token), "projects": projects}) for token, projects in found
    ]


@router.post("", operation_id="create_token", status_code=201)
async def create_token(
    body: TokenCreate, user: SignedInOnce, settings: AppSettings, session: WriteSession
) -> TokenCreated:
    """Make an API token; its secret is in this answer only.

    It may do what you may, or less: what ``permissions`` and ``projects`` name. Without ``days`` it lives as long as
    the instance allows.
    """
    token_id, token = await tokens.create_token(
        session, user, max_days=settings.api_token_days, **body.model_dump()
    )
    return TokenCreated(id=token_id, token=token)


@router.delete("/{token_id}", operation_id="revoke_token", status_code=204)
async def revoke_token(token_id: UUID, user: SignedInWriter, session: WriteSession) -> None:
    """End an API token at once."""
    await tokens.end_token(session, user, token_id)
