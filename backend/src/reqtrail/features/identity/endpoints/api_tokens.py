"""One's own API tokens."""

from __future__ import annotations

from uuid import UUID

from reqtrail.features.identity.deps import SignedIn, SignedInOnce, SignedInWriter
from reqtrail.features.identity.schemas import TokenCreate, TokenCreated, TokenRead
from reqtrail.features.identity.service import listing, tokens
from reqtrail.kit.errors import NotFound
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter()


@router.get("/me/tokens", operation_id="list_tokens")
async def list_tokens(user: SignedIn, session: ReadSession) -> list[TokenRead]:
    """List one's own API tokens."""
    return [TokenRead.model_validate(item) for item in await listing.tokens_of(session, user)]


@router.post("/me/tokens", operation_id="create_token", status_code=201)
async def create_token(
    body: TokenCreate, user: SignedInOnce, session: WriteSession
) -> TokenCreated:
    """Make an API token; its secret is in this answer only."""
    token_id, token = await tokens.make_api_token(session, user.user_id, body.name, body.days)
    return TokenCreated(id=token_id, token=token)


@router.delete("/me/tokens/{token_id}", operation_id="revoke_token", status_code=204)
async def revoke_token(token_id: UUID, user: SignedInWriter, session: WriteSession) -> None:
    """End an API token at once."""
    if not await listing.revoke_token(session, user, token_id):
        raise NotFound("You have no such token.")
