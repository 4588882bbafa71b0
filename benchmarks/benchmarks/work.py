"""The work that is measured. Each measurement interleaves its sides, so that noise meets all of them alike."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import httpx
import orjson
from reqtrail.bootstrap.wiring import register_all
from reqtrail.features.identity.public import find_by_email
from reqtrail.features.projects.public import create_project
from reqtrail.features.requirements.public import default_id
from reqtrail.features.versioning.public import CommitRequest, commit_stream
from reqtrail.platform.database.engine import Database, make_engine

from benchmarks import sql
from benchmarks.corpus import Corpus, Load
from benchmarks.instance import Running
from benchmarks.report import Result, interleaved, result_of

BULK = 10_000


class Bench:
    """One project of a size, loaded and ready to be measured."""

    def __init__(
        self, running: Running, size: int, key: str | None = None, *, with_links: bool = True
    ) -> None:
        self._running = running
        self.size = size
        self.key = key or f"B{size}"[:10]
        self._with_links = with_links
        self.corpus = Corpus(size)
        self.load_seconds = 0.0
        self.project_id = UUID(int=0)
        self.rounds = 40
        self._document = max(
            range(len(self.corpus.titles)),
            key=lambda one: sum(row.document == one for row in self.corpus.rows),
        )

    async def load(self) -> None:
        """Make the project and commit its corpus as one stream."""
        register_all()
        database = Database(make_engine(self._running.database_url, pool_size=2))
        try:
            began = time.perf_counter()
            async with database.session() as session:
                user = await find_by_email(session, "admin@reqtrail.local")
                self.project_id = await create_project(
                    session, user, key=self.key, name=f"{self.size} items"
                )
                request = CommitRequest(
                    self.project_id, user.user_id, message="Corpus", kind="import"
                )
                self._load = Load(self.corpus, self.project_id, self._with_links)
                await commit_stream(session, request, self._load.chunks())
            self.load_seconds = time.perf_counter() - began
        finally:
            await database.dispose()

    @property
    def running(self) -> Running:
        """The instance that the project is on."""
        return self._running

    async def vacuum(self) -> None:
        """Let PostgreSQL do now what autovacuum would do while we measure."""
        raw = await asyncpg.connect(self._running.raw_url)
        try:
            await raw.execute("VACUUM ANALYZE")
        finally:
            await raw.close()

    async def measure(self) -> list[Result]:
        """Return all results of this size."""
        headers = {"Authorization": f"Bearer {self._running.token}"}
        async with (
            httpx.AsyncClient(
                base_url=f"{self._running.url}/api/v1/projects/{self.key}",
                headers=headers,
                timeout=600,
            ) as ours,
            httpx.AsyncClient(base_url=self._running.floor_url, timeout=600) as floor,
        ):
            raw = await asyncpg.connect(self._running.raw_url)
            try:
                await raw.execute("VACUUM ANALYZE")
                await raw.execute(sql.SCRATCH)
                self._ours, self._floor, self._raw = ours, floor, raw
                return await self._all()
            finally:
                await raw.close()

    async def _all(self) -> list[Result]:
        results = [
            Result("load the corpus (one streamed commit)", self.load_seconds, unit="s"),
            await self.item_by_key(),
            await self.page(),
            await self.open_document(),
            await self.whole_document(),
            await self.save(),
            await self.open_after_edit(),
            await self.outline_anew(),
            await self.compare(),
            await self.bulk(),
        ]
        results.append(await self.past())
        return results

    async def _get(self, path: str, **params: Any) -> bytes:
        response = await self._ours.get(path, params=params)
        response.raise_for_status()
        return response.content

    async def _get_floor(self, path: str, **params: Any) -> bytes:
        response = await self._floor.get(path, params=params)
        response.raise_for_status()
        return response.content

    def _item(self, number: int) -> int:
        return (number * 7919 + 1) % len(self.corpus.rows)

    async def item_by_key(self) -> Result:
        """One item by its key, signed in, with access control."""

        def key(number: int) -> str:
            return f"{self.key}-{self._item(number) + 1}"

        samples = await interleaved(
            self.rounds,
            ours=lambda n: self._get(f"/items/{key(n)}"),
            floor=lambda n: self._get_floor(f"/{self.project_id}/items/{key(n)}"),
            raw=lambda n: self._raw.fetch(sql.ITEM, self.project_id, key(n)),
        )
        result = result_of("one item by key", samples, bar=2.0)
        result.limit = result.floor
        return result

    async def page(self) -> Result:
        """100 rows of the largest document."""
        document = self._load.id("document", self._document)
        samples = await interleaved(
            self.rounds,
            ours=lambda n: self._get(f"/documents/{document}/rows", limit=100, offset=0),
            floor=lambda n: self._get_floor(f"/{self.project_id}/documents/{document}", limit=100),
            raw=lambda n: self._raw.fetch(sql.ROWS, self.project_id, document, 100),
        )
        result = result_of("page of 100 rows", samples)
        result.limit = result.floor
        return result

    async def open_document(self) -> Result:
        """Outline and first 100 rows of the largest document; the bar is raw plus one bare request."""
        document = self._load.id("document", self._document)
        title = str(default_id(self.project_id, "attribute", "Requirement", "Title"))

        async def ours(number: int) -> None:
            await self._get(f"/documents/{document}/outline")
            await self._get(f"/documents/{document}/rows", limit=100, offset=0)

        async def raw(number: int) -> None:
            await self._raw.fetch(sql.OUTLINE, self.project_id, document, title)
            await self._raw.fetch(sql.ROWS, self.project_id, document, 100)

        samples = await interleaved(
            15, ours=ours, raw=raw, floor=lambda n: self._get_floor("/hello")
        )
        result = result_of("open the largest document", samples, bar=1.0)
        assert result.raw is not None and result.floor is not None
        result.limit = 2 * result.raw + result.floor
        result.note = "limit: 2 × raw + one bare request"
        return result

    async def open_after_edit(self) -> Result:
        """The same right after an edit of one text in the document; the edit itself is not counted."""
        document = self._load.id("document", self._document)
        items = [
            row.index
            for row in self.corpus.rows
            if row.document == self._document and not row.heading
        ]
        samples: dict[str, list[float]] = {"ours": []}
        for number in range(15):
            await self._commit([self._edit(items[number % len(items)], f"after {number}")])
            began = time.perf_counter()
            await self._get(f"/documents/{document}/outline")
            await self._get(f"/documents/{document}/rows", limit=100, offset=0)
            samples["ours"].append((time.perf_counter() - began) * 1000)
        return result_of("open the largest document after an edit in it", samples)

    async def outline_anew(self) -> Result:
        """The outline of versions that nobody asked for yet, so that nothing of it is kept."""
        document = self._load.id("document", self._document)
        title = str(default_id(self.project_id, "attribute", "Requirement", "Title"))
        head = orjson.loads(await self._get("/refs/resolve"))["seq"]
        samples = await interleaved(
            12,
            ours=lambda n: self._get(f"/documents/{document}/outline", at=f"main@{head - 2 - n}"),
            raw=lambda n: self._raw.fetch(sql.OUTLINE, self.project_id, document, title),
            floor=lambda n: self._get_floor("/hello"),
        )
        result = result_of("outline of the largest document, built anew", samples, bar=1.0)
        assert result.raw is not None and result.floor is not None
        result.limit = 2 * result.raw + result.floor
        result.note = "limit: 2 × raw + one bare request"
        return result

    async def compare(self) -> Result:
        """What one commit changed: flat in the size of the project."""
        head = orjson.loads(await self._get("/refs/resolve"))["seq"]
        samples = await interleaved(
            15,
            ours=lambda n: self._get("/compare", **{"from": head - 3 - n, "to": head - 2 - n}),
        )
        return result_of("compare two neighbouring versions", samples)

    async def whole_document(self) -> Result:
        """All rows of the largest document with their texts."""
        document = self._load.id("document", self._document)
        samples = await interleaved(
            9,
            ours=lambda n: self._get(f"/documents/{document}/rows", limit=5000, offset=0),
            floor=lambda n: self._get_floor(f"/{self.project_id}/documents/{document}", limit=5000),
            raw=lambda n: self._raw.fetch(sql.ROWS, self.project_id, document, 5000),
        )
        result = result_of("whole largest document", samples, bar=2.0)
        result.limit = result.floor
        return result

    def _edit(self, index: int, salt: str) -> dict[str, Any]:
        attribute = str(default_id(self.project_id, "attribute", "Requirement", "Text"))
        text = self.corpus.text(index, salt)
        return {
            "op": "update",
            "kind": "item",
            "id": str(self._load.id("item", index)),
            "fields": {"attributes": {attribute: text}},
        }

    async def _commit(self, operations: list[dict[str, Any]]) -> None:
        response = await self._ours.post(
            "/commits",
            content=orjson.dumps({"message": "Edit", "operations": operations}),
            headers={"Content-Type": "application/json"},
        )
        if not response.is_success:
            raise RuntimeError(f"a save was refused: {response.text[:500]}")

    async def _save_raw(self, count: int) -> None:
        versions = [
            (uuid4(), 1, orjson.dumps({"text": self.corpus.text(index)}).decode())
            for index in range(count)
        ]
        async with self._raw.transaction():
            await self._raw.executemany(sql.SAVE_VERSION, versions)
            await self._raw.executemany(sql.SAVE_HEAD, [row[:2] for row in versions])

    async def save(self) -> Result:
        """One edit of one text, durable; the bar is five raw commits plus one bare request."""
        items = [row.index for row in self.corpus.rows if not row.heading]
        samples = await interleaved(
            self.rounds,
            ours=lambda n: self._commit([self._edit(items[n * 31 % len(items)], f"save {n}")]),
            raw=lambda n: self._save_raw(1),
            floor=lambda n: self._get_floor("/hello"),
        )
        result = result_of("save one edit", samples, bar=1.0)
        assert result.raw is not None and result.floor is not None
        result.limit = 5 * result.raw + result.floor
        result.note = "limit: 5 × raw + one bare request"
        return result

    async def bulk(self) -> Result:
        """As many edits as there are items, at most 10,000, as one commit."""
        items = [row.index for row in self.corpus.rows if not row.heading][:BULK]
        samples = await interleaved(
            2,
            ours=lambda n: self._commit(
                [self._edit(index, f"bulk {n}") for index in (items if n >= 0 else items[:10])]
            ),
            raw=lambda n: self._save_raw(len(items)),
        )
        result = result_of(f"commit of {len(items):,} edits", samples, bar=1.0, limit=10_000.0)
        result.note = "limit: 10 s"
        return result

    async def past(self) -> Result:
        """The whole largest document as it was before all edits, beside the same at the head."""
        document = self._load.id("document", self._document)
        samples = await interleaved(
            9,
            ours=lambda n: self._get(
                f"/documents/{document}/rows", limit=5000, offset=0, at="main@2"
            ),
            floor=lambda n: self._get(f"/documents/{document}/rows", limit=5000, offset=0),
        )
        result = result_of("whole largest document, in the past", samples, bar=2.0)
        result.limit, result.floor = result.floor, None
        result.note = "limit: the same read at the head"
        return result
