"""Applications that know the sign-in providers of the tests."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from reqtrail.entrypoints.web import create_app
from reqtrail.platform.settings import Settings
from reqtrail.platform.sign_in_providers import SignInProvider
from tests.features.identity.providers import ORIGIN, ProviderProcess, Start, running_providers
from tests.fixtures.api import World


@pytest.fixture(scope="session")
def sign_in_providers() -> Iterator[ProviderProcess]:
    with running_providers(ORIGIN) as running:
        yield running


@pytest.fixture
def start(settings: Settings, sign_in_providers: ProviderProcess) -> Start:
    """Start an application that knows both providers, with changes of their settings or of the application's."""

    @asynccontextmanager
    async def started(
        one: dict[str, Any] | None = None, two: dict[str, Any] | None = None, **changes: Any
    ) -> AsyncIterator[World]:
        known = (
            SignInProvider.model_validate(sign_in_providers.setting("one", **(one or {}))),
            SignInProvider.model_validate(sign_in_providers.setting("two", **(two or {}))),
        )
        values = {"public_url": ORIGIN, "sign_in_providers": known, **changes}
        app = create_app(settings.model_copy(update=values))
        async with app.router.lifespan_context(app):
            world = World(app)
            try:
                yield world
            finally:
                await world.aclose()

    return started
