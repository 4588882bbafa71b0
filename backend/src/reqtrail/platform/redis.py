"""Redis: fails fast and never takes a request down with it; what it holds can be lost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.asyncio.cluster import ClusterNode, ClusterPipeline, RedisCluster
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.maint_notifications import MaintNotificationsConfig
from redis.exceptions import ClusterError, RedisClusterException
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from reqtrail.platform.circuit import Circuit
from reqtrail.platform.redis_url import RedisPlace, read_redis_url
from reqtrail.platform.telemetry.tracing import called

WAIT_SECONDS: Final = 2.0
"""How long one command waits. A shorter wait takes a busy process for a Redis that is away, and limits with it."""
AWAY: Final = (RedisConnectionError, RedisTimeoutError, OSError)
"""What says that Redis is away, rather than that it refuses a command."""


@contextmanager
def lost_cluster() -> Iterator[None]:
    """Raise what says that servers of a cluster are away as a lost connection, which all callers expect.

    While it learns anew which servers there are, the library looks up the server of a slot as if there always were one
    (KeyError), and closes connections that other tasks are opening (AttributeError).
    """
    try:
        yield
    except (ClusterError, RedisClusterException, KeyError, AttributeError) as error:
        raise RedisConnectionError(f"no server of the cluster takes it: {error}") from error


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
    """A client of one server, whose commands fail at once while it is known to be away, instead of waiting each.

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


class _WatchedRedis(GuardedRedis):
    """A client of the server that Sentinels call the primary.

    Attributes:
        sentinels: The clients of the Sentinels.
    """

    sentinels: Sequence[Redis] = ()

    async def aclose(self, *args: Any, **options: Any) -> None:
        """Close the connections to the primary and to the Sentinels."""
        await super().aclose(*args, **options)
        for sentinel in self.sentinels:
            await sentinel.aclose()


class _GuardedClusterPipeline(ClusterPipeline):
    """A pipeline whose commands go to the servers of their keys."""

    circuit: Circuit

    async def execute(
        self, raise_on_error: bool = True, allow_redirections: bool = True
    ) -> list[Any]:
        """Send them and return what each answers, see ``GuardedPipeline``."""
        with called("redis", "PIPELINE"), self.circuit.call(*AWAY), lost_cluster():
            await self.cluster_client.initialize()
            return await super().execute(raise_on_error, allow_redirections)


class _GuardedCluster(RedisCluster):
    """A client of a cluster, guarded like that of one server."""

    circuit: Circuit

    async def initialize(self, *args: Any, **options: Any) -> RedisCluster:
        """Learn which server has which keys."""
        with lost_cluster():
            return await super().initialize(*args, **options)

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command to the server of its keys and return its answer."""
        with called("redis", str(args[0])), self.circuit.call(*AWAY), lost_cluster():
            await self.initialize()  # the library's own call comes late for several first commands at once
            return await super().execute_command(*args, **options)

    def pipeline(self, transaction: Any = None, shard_hint: Any = None) -> ClusterPipeline:
        """Return an empty pipeline."""
        make: Any = _GuardedClusterPipeline  # abstract to the type checker alone
        made: _GuardedClusterPipeline = make(self, transaction)
        made.circuit = self.circuit
        return made


@cache
def circuit_of(url: str, name: str = "redis") -> Circuit:
    """Return the circuit of a Redis, which all clients of this process share: what one learns the others know."""
    return Circuit(name)


def make_redis(url: str, *, wait: float = WAIT_SECONDS, circuit: str = "redis") -> GuardedRedis:
    """Return a client that gives up soon rather than let a request wait, and at once when others had to.

    A cluster's has the same commands, so long as the keys of one command and of one script have one hash tag.

    Args:
        url: One of the forms of ``read_redis_url``.
        wait: Seconds for one command.
        circuit: Clients with circuits of different names do not learn from each other.

    Raises:
        ValueError: If *url* is of no form that is known.
    """
    place = read_redis_url(url)
    options: dict[str, Any] = {
        "socket_connect_timeout": wait,
        "socket_timeout": wait,
        "retry": Retry(NoBackoff(), 0),
    }
    made = {"single": _single, "sentinel": _watched, "cluster": _cluster}[place.kind](
        url, place, options
    )
    made.circuit = circuit_of(url, circuit)
    return made


def _single(url: str, place: RedisPlace, options: dict[str, Any]) -> GuardedRedis:
    return cast("GuardedRedis", GuardedRedis.from_url(url, **options))


def _watched(url: str, place: RedisPlace, options: dict[str, Any]) -> GuardedRedis:
    login = {"username": place.username, "password": place.password, "ssl": place.tls}
    make: Any = Sentinel  # it has no annotations
    sentinels = make(list(place.hosts), sentinel_kwargs={**options, **login})
    primary: _WatchedRedis = sentinels.master_for(
        place.service, redis_class=_WatchedRedis, db=place.database, **options, **login
    )
    primary.sentinels = sentinels.sentinels
    return primary


def _cluster(url: str, place: RedisPlace, options: dict[str, Any]) -> GuardedRedis:
    client = _GuardedCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in place.hosts],
        username=place.username,
        password=place.password,
        ssl=place.tls,
        maint_notifications_config=MaintNotificationsConfig(enabled=False),  # of another product
        # Before the second try it learns anew which servers there are: without one it goes on to ask a dead one.
        **{**options, "retry": Retry(NoBackoff(), 1)},
    )
    # Its commands are the same; the library has no type for what both are.
    return cast("GuardedRedis", client)
