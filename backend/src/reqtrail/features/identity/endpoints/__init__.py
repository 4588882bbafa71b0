"""The routes of identity."""

from __future__ import annotations

from reqtrail.features.identity.endpoints import (
    joining,
    mails,
    own_account,
    recovery,
    sessions,
    sign_in,
    users,
)
from reqtrail.platform.http import ApiRouter

router = ApiRouter(tags=["identity"])
for module in (sign_in, joining, recovery, own_account, sessions, users, mails):
    router.include_router(module.router)
