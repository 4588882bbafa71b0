"""The floor: what FastAPI, asyncpg and orjson take for the same data without access control and versions."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import orjson
import uvicorn
from fastapi import FastAPI, Request, Response

from benchmarks import sql


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with asyncpg.create_pool(os.environ["BENCH_DATABASE_URL"], min_size=4) as pool:
        app.state.pool = pool
        yield


app = FastAPI(lifespan=_lifespan, openapi_url=None)


def _json(rows: list[Any]) -> Response:
    content = [{**row, "attributes": orjson.Fragment(row["attributes"])} for row in rows]
    return Response(orjson.dumps(content), media_type="application/json")


@app.get("/hello")
async def hello() -> Response:
    """Answer without any work."""
    return Response(b"{}", media_type="application/json")


@app.get("/{project}/items/{key}")
async def item(request: Request, project: UUID, key: str) -> Response:
    """Return one item by its key."""
    return _json(await request.app.state.pool.fetch(sql.ITEM, project, key))


@app.get("/{project}/documents/{document}")
async def rows(request: Request, project: UUID, document: UUID, limit: int) -> Response:
    """Return the first rows of a document."""
    return _json(await request.app.state.pool.fetch(sql.ROWS, project, document, limit))


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["BENCH_PORT"]), log_level="warning")
