"""The routes of identity."""

from __future__ import annotations

from reqtrail.features.identity.endpoints import (
    joining,
    key_set,
    mails,
    own_account,
    own_factors,
    recovery,
    second_step,
    sessions,
    sign_in,
    single_sign_on,
    user_factors,
    users,
)
from reqtrail.platform.http import ApiRouter

router = ApiRouter(tags=["identity"])
MODULES = (
    sign_in,
    second_step,
    joining,
    recovery,
    own_account,
    own_factors,
    sessions,
    users,
    user_factors,
    mails,
    single_sign_on,
)
for module in MODULES:
    router.include_router(module.router)

root_router = key_set.router
"""The routes outside the API's prefix."""
