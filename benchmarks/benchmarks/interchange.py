"""Import and export of ReqIF by HTTP, beside lxml's bare extraction of the same file and COPY of what it gave."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import orjson
from lxml import etree

from benchmarks.corpus import Corpus
from benchmarks.instance import Running
from benchmarks.memory import watched
from benchmarks.report import Result
from benchmarks.reqif_file import write_reqif

POLL_SECONDS = 0.05
MOST_SECONDS = 3600.0
RESIDENT_MEGABYTES = 200.0
TEN_THOUSAND_SECONDS = 4.5
EXPORT_MEGABYTES_A_SECOND = 20.0

_NS = "{http://www.omg.org/spec/ReqIF/20110401/reqif.xsd}"
_RECORDS = {f"{_NS}{name}" for name in ("SPEC-OBJECT", "SPEC-RELATION", "SPEC-HIERARCHY")}
_SCRATCH = """
DROP TABLE IF EXISTS bench_import;
CREATE TABLE bench_import (id text NOT NULL, kind text NOT NULL, content jsonb NOT NULL)"""


async def interchange(running: Running, size: int, folder: Path) -> list[Result]:
    """Import a generated file of *size* objects into a new project, and export that project again."""
    path = folder / f"corpus-{size}.reqif"
    megabytes = write_reqif(Corpus(size), path) / 1e6
    raw_seconds = await _raw(running, path)
    headers = {"Authorization": f"Bearer {running.token}"}
    async with httpx.AsyncClient(
        base_url=f"{running.url}/api/v1", headers=headers, timeout=600
    ) as client:
        key = f"X{size}"
        (
            await client.post("/projects", json={"key": key, "name": f"Import of {size}"})
        ).raise_for_status()
        async with watched(running.pid("worker_pids")) as worker:
            seconds, commit = await _import(client, key, path)
        results = [
            Result(
                f"import of {megabytes:.1f} MB of ReqIF ({commit})",
                seconds,
                raw_seconds,
                limit=2 * raw_seconds,
                bar=1.0,
                unit="s",
                note="raw: lxml's extraction and COPY; limit: twice that",
            )
        ]
        if size == 10_000:
            results.append(
                Result("the same", seconds, limit=TEN_THOUSAND_SECONDS, bar=1.0, unit="s")
            )
        results.append(
            Result(
                "the worker while importing, resident",
                worker.megabytes,
                limit=RESIDENT_MEGABYTES,
                bar=1.0,
                unit="MB",
            )
        )
        results.extend(await _export(running, client, key))
    path.unlink()
    return results


async def _import(client: httpx.AsyncClient, key: str, path: Path) -> tuple[float, str]:
    """Return the seconds from sending the file until its commit, and what it wrote."""
    began = time.perf_counter()
    with path.open("rb") as source:
        answer = await client.post(
            f"/projects/{key}/imports",
            files={"file": (path.name, source)},
            data={"mode": "commit"},
        )
    answer.raise_for_status()
    job: dict[str, Any] = answer.json()
    while job["state"] not in {"done", "failed", "cancelled"}:
        if time.perf_counter() - began > MOST_SECONDS:
            raise TimeoutError("the import takes too long")
        await asyncio.sleep(POLL_SECONDS)
        job = (await client.get(f"/projects/{key}/imports/{job['id']}")).raise_for_status().json()
    if job["state"] != "done":
        raise RuntimeError(f"the import ended as {job['state']}: {job['error']}")
    counts = job["counts"]
    wrote = ", ".join(
        f"{counts.get(name, 0):,} {name}" for name in ("items", "placements", "links")
    )
    return time.perf_counter() - began, wrote


async def _export(running: Running, client: httpx.AsyncClient, key: str) -> list[Result]:
    async with watched(running.pid("api_pids")) as api:
        began, sent = time.perf_counter(), 0
        async with client.stream(
            "GET", f"/projects/{key}/exports/reqif", params={"format": "reqif"}
        ) as answer:
            answer.raise_for_status()
            async for piece in answer.aiter_raw():
                sent += len(piece)
        seconds = time.perf_counter() - began
    return [
        Result(
            f"export of {sent / 1e6:.1f} MB of ReqIF",
            sent / 1e6 / seconds,
            limit=EXPORT_MEGABYTES_A_SECOND,
            bar=1.0,
            unit="MB/s",
            more_is_better=True,
        ),
        Result(
            "the API process while exporting, resident",
            api.megabytes,
            limit=RESIDENT_MEGABYTES,
            bar=1.0,
            unit="MB",
        ),
    ]


async def _raw(running: Running, path: Path) -> float:
    """Return the seconds that lxml takes to give every record of the file, and COPY to store them."""
    connection = await asyncpg.connect(running.raw_url)
    try:
        await connection.execute(_SCRATCH)
        began = time.perf_counter()
        records = _extracted(path)
        await connection.copy_records_to_table("bench_import", records=records)
        return time.perf_counter() - began
    finally:
        await connection.execute("DROP TABLE bench_import")
        await connection.close()


def _extracted(path: Path) -> list[tuple[str, str, str]]:
    """Return identifier, kind and values of the objects, relations and placements of a file."""
    records = []
    for _, element in etree.iterparse(str(path), tag=tuple(_RECORDS)):
        values = {
            value.findtext(f"{_NS}DEFINITION/*"): value.get("THE-VALUE") or _inner(value)
            for value in element.iterfind(f"{_NS}VALUES/*")
        }
        references = [reference.text for reference in element.iterfind("*/*")]
        content = orjson.dumps({"values": values, "references": references}).decode()
        records.append((element.get("IDENTIFIER"), etree.QName(element).localname, content))
        if element.tag != f"{_NS}SPEC-HIERARCHY":
            element.clear()
    return records


def _inner(value: etree._Element) -> str:
    the_value = value.find(f"{_NS}THE-VALUE")
    inside = value.iterfind(f"{_NS}VALUES/*") if the_value is None else iter(the_value)
    return "".join(etree.tostring(child, encoding="unicode") for child in inside)
