"""One's own sign-ins."""

from __future__ import annotations

from uuid import UUID

from reqtrail.features.identity.deps import ApiCredential, SignedIn, SignedInWriter
from reqtrail.features.identity.schemas import SessionRead
from reqtrail.features.identity.service import sessions
from reqtrail.platform.database.session import ReadSession, WriteSession
from reqtrail.platform.http import ApiRouter

router = ApiRouter()


@router.get("/me/sessions", operation_id="list_sessions")
async def list_sessions(
    user: SignedIn, credential: ApiCredential, session: ReadSession
) -> list[SessionRead]:
    """List one's own sign-ins, the one seen last first."""
    found = await sessions.list_sessions(session, user.user_id, credential.family_id)
    return [SessionRead.model_validate(item) for item in found]


@router.delete("/me/sessions/{session_id}", operation_id="revoke_session", status_code=204)
async def revoke_session(session_id: UUID, user: SignedInWriter, session: WriteSession) -> None:
    """End one of one's own sign-ins at once."""
    await sessions.revoke_session(session, user.user_id, session_id)


@router.delete("/me/sessions", operation_id="revoke_other_sessions", status_code=204)
async def revoke_other_sessions(
    user: SignedInWriter, credential: ApiCredential, session: WriteSession
) -> None:
    """End all of one's own sign-ins but the one that asks. Asked with an API token, all of them end."""
    await sessions.revoke_sessions(session, user.user_id, besides=credential.family_id)
