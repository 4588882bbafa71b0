"""The cache that processes share: entries of projects, one maker each, and a Redis that may be away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from reqtrail.kit.ids import new_id
from reqtrail.platform import shared_cache
from reqtrail.platform.redis import make_redis
from reqtrail.platform.shared_cache import SharedCache

pytestmark = pytest.mark.anyio


@pytest.fixture
async def redis(redis_url: str) -> AsyncIterator[Redis]:
    """A client of this worker's Valkey."""
    client = make_redis(redis_url, circuit="test of the cache")
    yield client
    await client.aclose()


@pytest.fixture
def cache(redis: Redis) -> SharedCache:
    """A process's view of the cache."""
    return SharedCache(redis)


async def test_what_one_process_puts_another_gets(cache: SharedCache, redis: Redis) -> None:
    project, other = new_id(), new_id()
    await cache.put(project, {("texts", "a"): b"1", ("texts", "b"): b"2", ("rows", "a"): b"3"})
    theirs = SharedCache(redis)
    assert await theirs.get(project, "texts", "a") == b"1"
    assert await theirs.get_many(project, "texts", ["b", "c", "a"]) == [b"2", None, b"1"]
    assert await theirs.get(project, "rows", "a") == b"3"
    assert await theirs.get(other, "texts", "a") is None


async def test_entries_end_unless_they_are_used(cache: SharedCache, redis: Redis) -> None:
    project = new_id()
    await cache.put(project, {("texts", "a"): b"1"})
    (key,) = [key async for key in redis.scan_iter(f"rt:{{{project}}}:*")]
    await redis.expire(key, 5)
    await cache.get(project, "texts", "a")
    assert 5 < await redis.ttl(key) <= shared_cache.TTL_SECONDS


async def test_a_project_is_forgotten_and_no_other(cache: SharedCache) -> None:
    project, other = new_id(), new_id()
    for one in (project, other):
        await cache.put(one, {("texts", str(number)): b"1" for number in range(30)})
    await cache.forget(project)
    names = [str(number) for number in range(30)]
    assert await cache.get_many(project, "texts", names) == [None] * 30
    assert await cache.get_many(other, "texts", names) == [b"1"] * 30


async def test_of_many_that_miss_one_makes(cache: SharedCache, redis: Redis) -> None:
    project, made = new_id(), 0

    async def use(mine: SharedCache) -> bytes:
        nonlocal made
        async with mine.making(project, "texts", "a") as found:
            if found is None:
                made += 1
                await asyncio.sleep(0.1)
                found = b"made"
                await mine.put(project, {("texts", "a"): found})
        return found

    answers = await asyncio.gather(*(use(SharedCache(redis)) for _ in range(20)))
    assert (set(answers), made) == ({b"made"}, 1)


async def test_whoever_fails_to_make_it_lets_the_next_try(cache: SharedCache) -> None:
    project = new_id()
    with pytest.raises(LookupError):
        async with cache.making(project, "texts", "a"):
            raise LookupError
    async with asyncio.timeout(shared_cache.PATIENCE_SECONDS / 2):
        async with cache.making(project, "texts", "a") as found:
            assert found is None


async def test_nobody_waits_for_ever_for_a_maker_that_died(
    cache: SharedCache, redis: Redis
) -> None:
    project = new_id()
    claim = shared_cache.SharedCache(redis).making(project, "texts", "a")
    await claim.__aenter__()  # and is killed: nothing releases the claim
    async with cache.making(project, "texts", "a") as found:
        assert found is None
    await claim.__aexit__(None, None, None)


async def test_members_that_are_used_most_come_first(cache: SharedCache) -> None:
    board = str(new_id())
    await cache.note_uses(board, {"a": 1, "b": 5}, days=1)
    await cache.note_uses(board, {"a": 7, "c": 2}, days=1)
    assert await cache.most_used(board, 2) == ["a", "b"]


async def test_without_redis_nothing_is_found_and_nothing_fails() -> None:
    away = make_redis("unix:///nowhere/valkey.sock", circuit="test of an absent cache")
    cache, project = SharedCache(away), new_id()
    await cache.put(project, {("texts", "a"): b"1"})
    assert await cache.get(project, "texts", "a") is None
    assert await cache.get_many(project, "texts", ["a", "b"]) == [None, None]
    async with cache.making(project, "texts", "a") as found:
        assert found is None
    await cache.note_uses("board", {"a": 1}, days=1)
    assert await cache.most_used("board", 3) == []
    await cache.forget(project)
    await away.aclose()
