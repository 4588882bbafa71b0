"""Redis: fails fast and never takes a request down with it; what it holds can be lost."""

from __future__ import annotations

from functools import cache
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from reqtrail.platform.circuit import Circuit
from reqtrail.platform.telemetry.tracing import called

WAIT_SECONDS: Final = 2.0
"""How long one command waits. A shorter wait takes a busy process for a Redis that is away, and limits with it."""
AWAY: Final = (RedisConnectionError, RedisTimeoutError, OSError)
"""What says that Redis is away, rather than that it refuses a command."""


class GuardedPipeline(Pipeline):
    """Commands that are sent together, as one call of the circuit."""

    circuit: Circuit

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send them and return what each answers.

        Raises:
            CircuitOpen: If Redis is left alone at present.
        """
        with called("redis", "PIPELINE"), self.circuit.call(*AWAY):
            answers: list[Any] = await super().execute(raise_on_error)
            return answers


class GuardedRedis(Redis):
    """A client whose commands fail at once while Redis is known to be away, instead of waiting for it each.

    Subscriptions are not guarded: they wait beside all requests, in a loop of their own.
    """

    circuit: Circuit

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command and return its answer.

        Raises:
            CircuitOpen: If Redis is left alone at present.
        """
        client: Any = super()  # its method has no annotations
        with called("redis", str(args[0])), self.circuit.call(*AWAY):
            return await client.execute_command(*args, **options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> GuardedPipeline:
        """Return an empty pipeline."""
        made = GuardedPipeline(
            self.connection_pool, self.response_callbacks, transaction, shard_hint
        )
        made.circuit = self.circuit
        return made


@cache
def circuit_of(url: str) -> Circuit:
    """Return the circuit of a Redis, which all clients of this process share: what one learns the others know."""
    return Circuit("redis")


def make_redis(url: str) -> GuardedRedis:
    """Return a client that gives up soon rather than let a request wait, and at once when others had to."""
    retry = Retry(NoBackoff(), 0)
    client = cast(
        "GuardedRedis",
        GuardedRedis.from_url(
            url, socket_connect_timeout=WAIT_SECONDS, socket_timeout=WAIT_SECONDS, retry=retry
        ),
    )
    client.circuit = circuit_of(url)
    return client
