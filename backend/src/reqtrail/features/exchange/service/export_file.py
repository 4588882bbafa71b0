"""One file of an export, section by section, from the versioned model alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from functools import partial
from itertools import islice
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from reqtrail.features.exchange.reqif import write_content, write_schema
from reqtrail.features.exchange.reqif.file_writer import FileWriter
from reqtrail.features.exchange.reqif.writer import Builder, Names, Source, identifier_of
from reqtrail.features.exchange.repository import export as repository
from reqtrail.features.exchange.repository.export import FileScope
from reqtrail.features.exchange.service.lineage import tool_id
from reqtrail.features.versioning.public import get_kind
from reqtrail.kit import clock
from reqtrail.kit.one_thread import OneThread

PIECES: Final = 500


class ExportedFile:
    """Writes one ReqIF file.

    Args:
        package: The row of the package that the file continues, if any.
        title: What the header of a new file says.
        documents: The rows of the documents of the file.
        moment: CREATION-TIME (RFC 3339).
        thread: Where XML is built.
    """

    def __init__(
        self,
        session: AsyncSession,
        scope: FileScope,
        package: Row[Any] | None,
        title: str,
        documents: Sequence[Row[Any]],
        moment: str,
        thread: OneThread,
    ) -> None:
        self._session = session
        self._scope = scope
        self._frame: Mapping[str, Any] = package.extra if package is not None else {}
        self._header: Mapping[str, Any] = package.header if package is not None else {}
        self._title = title
        self._documents = documents
        self._moment = moment
        self._thread = thread

    async def text(self) -> AsyncGenerator[str, None]:
        """Yield the file piece by piece."""
        await self._load_schema()
        writer = FileWriter(self._builder, self._frame)
        header = {"TITLE": self._title, **self._header}
        project_id = self._scope.snapshot.project_id
        identifier = self._header.get("as") or f"_{project_id}"
        tool = tool_id(project_id, self._scope.snapshot.seq)
        yield writer.begin(header, identifier, self._moment, tool)
        for name, batches in (
            ("DATATYPES", self._datatypes()),
            ("SPEC-TYPES", self._types()),
            ("SPEC-OBJECTS", self._items()),
            ("SPEC-RELATIONS", self._links()),
            ("SPECIFICATIONS", self._specifications()),
            ("SPEC-RELATION-GROUPS", self._groups()),
        ):
            section = writer.section(name)
            async with aclosing(batches):
                async for texts in batches:
                    yield "".join(section.elements(texts))
            yield "".join(section.end())
        yield writer.end()

    # --- the schema ------------------------------------------------------------------------------------------------

    async def _load_schema(self) -> None:
        """Load what the file needs of the schema: what its package brought, and what its content uses."""
        session, scope = self._session, self._scope
        types = await repository.schema_rows(session, scope.snapshot, "type")
        datatypes = await repository.schema_rows(session, scope.snapshot, "datatype")
        attributes = await repository.attribute_rows(session, scope.snapshot)
        self._used = await repository.used_types(session, scope)
        self._used["document"] = {row.type_id for row in self._documents}
        used = set().union(*self._used.values())
        self._type_rows = [row for row in types if row.entity_id in used or self._brought(row)]
        kept = {row.entity_id for row in self._type_rows}
        self._attribute_rows = [row for row in attributes if row.type_id in kept]
        needed = {row.datatype_id for row in self._attribute_rows}
        self._datatype_rows = [
            row for row in datatypes if row.entity_id in needed or self._brought(row)
        ]
        bases = {row.entity_id: row.base for row in self._datatype_rows}
        self._bases = {
            str(row.entity_id): bases.get(row.datatype_id) or (row.extra or {}).get("b", "string")
            for row in self._attribute_rows
        }
        names = {
            str(row.entity_id): identifier_of(row.extra, str(row.entity_id))
            for row in (*self._type_rows, *self._attribute_rows, *self._datatype_rows)
        }
        for row in self._datatype_rows:
            for value in row.enum_values:
                names[str(value["id"])] = identifier_of(value.get("extra"), str(value["id"]))
        self._builder = Builder(
            self._frame.get("root") or {},
            self._frame.get("templates") or (),
            Names(names.get, self._bases.get),
            self._moment,
        )

    def _brought(self, row: Row[Any]) -> bool:
        """Whether the file has to hold something that nothing in it uses: its package did, or it is all there is."""
        package = self._scope.package_id
        if package is None:
            return True
        return bool((row.extra or {}).get("p") == str(package))

    async def _datatypes(self) -> AsyncGenerator[list[str], None]:
        yield await self._thread.run(self._datatype_texts)

    def _datatype_texts(self) -> list[str]:
        texts = [
            write_schema.datatype(self._builder, _source("datatype", row))
            for row in self._datatype_rows
        ]
        missing = {
            self._bases[str(row.entity_id)]
            for row in self._attribute_rows
            if row.datatype_id is None
        }
        return [
            *texts,
            *(write_schema.stand_in_datatype(self._builder, base) for base in sorted(missing)),
        ]

    async def _types(self) -> AsyncGenerator[list[str], None]:
        yield await self._thread.run(self._type_texts)

    def _type_texts(self) -> list[str]:
        attributes: dict[UUID, list[Row[Any]]] = defaultdict(list)
        for row in self._attribute_rows:
            attributes[row.type_id].append(row)
        texts = []
        for row in self._type_rows:
            elements = [
                element
                for attribute in attributes[row.entity_id]
                for element in write_schema.attribute(
                    self._builder,
                    _source("attribute", attribute),
                    self._bases[str(attribute.entity_id)],
                )
            ]
            texts.append(write_schema.type_(self._builder, _source("type", row), elements))
        untyped = [kind for kind in write_schema.TYPE_ELEMENTS if None in self._used[kind]]
        return [*texts, *(write_schema.stand_in_type(self._builder, kind) for kind in untyped)]

    # --- the content -----------------------------------------------------------------------------------------------

    async def _items(self) -> AsyncGenerator[list[str], None]:
        def write(row: Row[Any]) -> str:
            return write_content.item(self._builder, _source("item", row))

        async with aclosing(repository.item_batches(self._session, self._scope)) as batches:
            async for rows in batches:
                yield await self._thread.run(_all, write, rows)

    async def _links(self) -> AsyncGenerator[list[str], None]:
        async with aclosing(repository.link_batches(self._session, self._scope)) as batches:
            async for rows in batches:
                # In a query of their own: joined with the links, the planner may compare all items with all items.
                ends = {end for row in rows for end in (row.source_id, row.target_id)}
                names = await repository.names_of(self._session, self._scope.snapshot, "item", ends)
                yield await self._thread.run(_all, partial(self._link, names), rows)

    def _link(self, names: Mapping[UUID, dict[str, Any] | None], row: Row[Any]) -> str:
        return write_content.link(
            self._builder,
            _source("link", row),
            identifier_of(names.get(row.source_id), str(row.source_id)),
            identifier_of(names.get(row.target_id), str(row.target_id)),
        )

    async def _specifications(self) -> AsyncGenerator[list[str], None]:
        for row in self._documents:
            placements = await repository.placement_rows(
                self._session, self._scope.snapshot, row.entity_id
            )
            pieces = self._document(row, placements)
            while texts := await self._thread.run(list, islice(pieces, PIECES)):
                yield ["".join(texts)]

    def _document(self, row: Row[Any], placements: Sequence[Row[Any]]) -> Iterator[str]:
        """Yield a specification: its placements in reading order, those without an object left out."""
        children: dict[UUID | None, list[Row[Any]]] = defaultdict(list)
        for placement in placements:
            children[placement.parent_id].append(placement)
        shown = _Shown(children)
        source = _source("document", row)
        before, after = write_content.document(self._builder, source, bool(shown.below(None)))
        yield before
        stack: list[tuple[Iterator[Row[Any]], str]] = [(iter(shown.below(None)), after)]
        while stack:
            siblings, closing = stack[-1]
            following = next(siblings, None)
            if following is None:
                stack.pop()
                if closing:
                    yield closing
                continue
            below = shown.below(following.entity_id)
            before, after = write_content.placement(
                self._builder,
                _source("placement", following),
                identifier_of(following.item_extra, str(following.item_id)),
                bool(below),
            )
            yield before
            stack.append((iter(below), after))

    async def _groups(self) -> AsyncGenerator[list[str], None]:
        rows = await repository.group_rows(self._session, self._scope)
        wanted = [UUID(link) for row in rows for link in row.link_ids]
        links = await repository.names_of(self._session, self._scope.snapshot, "link", wanted)
        documents = {
            row.entity_id: identifier_of(row.extra, str(row.entity_id))
            for row in await repository.schema_rows(self._session, self._scope.snapshot, "document")
        }

        def write(row: Row[Any]) -> str:
            names = [
                identifier_of(links[UUID(link)], link)
                for link in row.link_ids
                if UUID(link) in links
            ]
            return write_content.link_group(
                self._builder,
                _source("link_group", row),
                documents.get(row.source_document_id),
                documents.get(row.target_document_id),
                names,
            )

        yield await self._thread.run(_all, write, rows)


class _Shown:
    """The tree of a document with placements that show nothing replaced by what stands below them."""

    def __init__(self, children: Mapping[UUID | None, list[Row[Any]]]) -> None:
        self._children = children

    def below(self, parent: UUID | None) -> list[Row[Any]]:
        """Return what stands directly below a placement; None is the document itself."""
        result = []
        for row in self._children.get(parent, ()):
            if row.item_id is None:
                result.extend(self.below(row.entity_id))
            else:
                result.append(row)
        return result


def _all(write: Callable[[Row[Any]], str], rows: Iterable[Row[Any]]) -> list[str]:
    return [write(row) for row in rows]


def _source(kind: str, row: Row[Any]) -> Source:
    content = get_kind(kind).content_of(dict(row._mapping))
    changed = None if row.commit_kind == "import" else clock.isoformat(row.recorded_at)
    return Source(str(row.entity_id), content, changed, getattr(row, "key", None))
