"""The routes of identity."""

from __future__ import annotations

from reqtrail.features.identity.endpoints import (
    joining,
    key_set,
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

root_router = key_set.router
"""The routes outside the API's prefix."""
