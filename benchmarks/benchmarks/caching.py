"""What each level of caching saves: the same answers made anew, as other processes left them, and as kept here.

The application runs in this process, so that what it keeps can be forgotten between two requests.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from redis.asyncio import Redis
from reqtrail.entrypoints.web import create_app
from reqtrail.features.requirements.richtext.render import forget_kept as forget_rendered
from reqtrail.features.requirements.service import outline, windows
from reqtrail.platform.settings import Settings

from benchmarks.branches import Branched
from benchmarks.instance import Running
from benchmarks.report import Result, print_table, result_of

ROUNDS = 30
NO_LIMIT = 10_000_000


async def measure(found: Running, sizes: list[int]) -> dict[str, list[Result]]:
    """Return the tables of all *sizes*; the limit of each row is the answer made anew, without any shared cache."""
    results: dict[str, list[Result]] = {}
    for size in sizes:
        bench = Branched(found, size)
        await bench.load()
        await bench.vacuum()
        title = f"{size:,} items"
        print_table(title)
        results[title] = []
        async with (
            _application(found, bench.key, shared=False) as alone,
            _application(found, bench.key, shared=True) as sharing,
            Redis.from_url(found.redis_url) as redis,
        ):
            for work, path in _works(bench):
                for result in await _levels(work, path, alone, sharing, redis):
                    print(result.line(), flush=True)
                    results[title].append(result)
    return results


def _works(bench: Branched) -> list[tuple[str, str]]:
    return [
        ("outline of the largest document", f"/documents/{bench.document}/outline"),
        ("its first 100 rows", f"/documents/{bench.document}/rows?limit=100"),
        ("a page of 100 items", "/items?limit=100"),
        ("one item", bench.item_path(7)),
    ]


@asynccontextmanager
async def _application(
    found: Running, key: str, *, shared: bool
) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(
        home=found.home,
        database_url=found.database_url,
        redis_url=found.redis_url,
        cache_redis_url=None if shared else "",
        rate_address=NO_LIMIT,
        rate_token_reads=NO_LIMIT,
        log_level="WARNING",
    )
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url=f"http://bench/api/v1/projects/{key}",
            headers={"Authorization": f"Bearer {found.token}"},
        ) as client:
            yield client


async def _levels(
    work: str, path: str, alone: httpx.AsyncClient, sharing: httpx.AsyncClient, redis: Redis
) -> list[Result]:
    samples: dict[str, list[float]] = {"anew": [], "left": [], "others": [], "own": []}
    for number in range(-1, ROUNDS):
        _forget()
        took = {"anew": await _took(alone, path)}
        _forget()
        await _empty(redis)
        took["left"] = await _took(sharing, path)
        _forget()
        took["others"] = await _took(sharing, path)
        took["own"] = await _took(sharing, path)
        if number >= 0:  # the first time connections and plans are cold
            for side, milliseconds in took.items():
                samples[side].append(milliseconds)
    names = {
        "anew": "made anew",
        "left": "made anew and left for others",
        "others": "as others left it",
        "own": "as kept here",
    }
    results = []
    for side, name in names.items():
        result = result_of(f"{work}, {name}", {"ours": samples[side]})
        result.limit = result_of("", {"ours": samples["anew"]}).ours
        results.append(result)
    return results


async def _took(client: httpx.AsyncClient, path: str) -> float:
    began = time.perf_counter()
    (await client.get(path)).raise_for_status()
    return (time.perf_counter() - began) * 1000


def _forget() -> None:
    outline.forget_kept()
    windows.forget_kept()
    forget_rendered()


async def _empty(redis: Redis) -> None:
    keys = [key async for key in redis.scan_iter("rt:*:cache:*", count=1000)]
    for start in range(0, len(keys), 1000):
        await redis.unlink(*keys[start : start + 1000])
