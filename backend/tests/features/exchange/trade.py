"""A project that files come into and go out of, through the API, with the worker's work done in the test's process."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any, Self

from sqlalchemy import func, update

from reqtrail.platform.jobs.runner import Runner
from reqtrail.platform.jobs.tables import jobs
from tests.fixtures.api import Client, World

Json = dict[str, Any]
ENDED = {"dry_run_ready", "done", "failed", "cancelled"}
HEADER = '<?xml version="1.0" encoding="UTF-8"?>\n'


class Trade:
    """An empty project of one owner."""

    def __init__(self, world: World, client: Client, key: str) -> None:
        self.world, self.client, self.key = world, client, key

    @classmethod
    async def make(cls, world: World) -> Self:
        """Make a project."""
        client = await world.user()
        return cls(world, client, await world.project(client))

    async def send(self, data: bytes, name: str = "file.reqif", mode: str = "commit") -> Json:
        """Upload a file and return the job as it is answered."""
        answer = await self.client.post(
            f"/projects/{self.key}/imports", files={"file": (name, data)}, data={"mode": mode}
        )
        assert answer.status_code == 202, answer.text
        return dict(answer.json())

    async def job(self, job_id: str) -> Json:
        """Return an import."""
        return await self.get(f"/imports/{job_id}")

    async def finish(self, job_id: str) -> Json:
        """Do what a worker does until the import has ended, and return it."""
        for _ in range(50):
            job = await self.job(job_id)
            if job["state"] in ENDED:
                return job
            await hurry(self.world)
            await work(self.world)
        raise AssertionError(f"the import does not end: {job}")

    async def bring(self, data: bytes, name: str = "file.reqif", mode: str = "commit") -> Json:
        """Import a file, and return the job at its end."""
        job = await self.send(data, name, mode)
        return await self.finish(job["id"])

    async def bring_file(self, path: Path, mode: str = "commit") -> Json:
        """Import a file from disk."""
        return await self.bring(path.read_bytes(), path.name, mode)

    async def fetch(self, **params: Any) -> bytes:
        """Export; ``format`` is reqif unless given."""
        answer = await self.client.get(
            f"/projects/{self.key}/exports/reqif", params={"format": "reqif", **params}
        )
        assert answer.status_code == 200, answer.text
        return answer.content

    async def get(self, path: str, **params: Any) -> Json:
        """Read below the project."""
        answer = await self.client.get(f"/projects/{self.key}{path}", params=params)
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def write(self, *operations: Json, base: int | None = None) -> Json:
        """Write through the write door."""
        answer = await self.client.post(
            f"/projects/{self.key}/commits", json={"base": base, "operations": operations}
        )
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def head(self) -> int:
        """Return the newest sequence."""
        return int((await self.get("/commits", limit=1))["commits"][0]["seq"])

    async def outline(self, title: str | None = None) -> list[list[Any]]:
        """Return the outline rows of a document, the first unless its title is given."""
        documents = (await self.get("/documents"))["documents"]
        found = next(item for item in documents if title in {None, item["title"]})
        return list((await self.get(f"/documents/{found['id']}/outline"))["rows"])


def members(archive: bytes) -> dict[str, bytes]:
    """Return the files of a zip archive by name."""
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return {name: opened.read(name) for name in opened.namelist() if not name.endswith("/")}


async def work(world: World) -> int:
    """Do what is due, as a worker does, and return how many jobs that were."""
    return await Runner(world.database, world.app.state.settings).run_waiting()


async def hurry(world: World) -> None:
    """Have every import due now that waits for its next attempt."""
    async with world.owner.session() as session:
        await session.execute(
            update(jobs)
            .where(jobs.c.state == "queued", jobs.c.kind == "exchange.import")
            .values(run_at=func.clock_timestamp())
        )


async def nothing_waits(world: World) -> None:
    """Do what other tests of this database left in the queue: a worker takes the oldest first."""
    await work(world)
