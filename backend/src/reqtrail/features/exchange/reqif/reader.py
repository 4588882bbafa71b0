"""The second pass over a file: every entity as a record, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import IO, Final

from lxml import etree

from reqtrail.features.exchange.errors import TooDeep
from reqtrail.features.exchange.reqif.frame import Frame
from reqtrail.features.exchange.reqif.index import RECORDS, Index, events, forget
from reqtrail.features.exchange.reqif.places import Place, rank_of
from reqtrail.features.exchange.reqif.records import RecordBuilder
from reqtrail.features.exchange.reqif.strict import local
from reqtrail.features.exchange.reqif.values import Entity
from reqtrail.features.exchange.types import Losses, Record

MAX_DEPTH: Final = 100
"""As deep as the structural rules let a document's tree be."""


class Reader:
    """Reads one ReqIF file into records.

    Args:
        package_id: The package that stands for the file.
        entity: Gives the id of the entity of a kind with an identifier of this file.
        elsewhere: Gives the id of an item that another file of the same upload holds, or None.
        moment: What stands in for a missing LAST-CHANGE (RFC 3339).
        templates: Those that the package has from an earlier import.
    """

    def __init__(
        self,
        index: Index,
        package_id: str,
        entity: Entity,
        moment: str,
        losses: Losses,
        *,
        elsewhere: Callable[[str], str | None] = lambda identifier: None,
        templates: Sequence[str] = (),
    ) -> None:
        self._frame = Frame(losses)
        self._builder = RecordBuilder(
            index, package_id, entity, elsewhere, moment, templates, losses
        )
        self._document = ""
        self._top_level = 0
        self._stack: list[Place] = []
        self._placements = 0

    def read(self, stream: IO[bytes]) -> Iterator[Record]:
        """Yield the records of a file; the package comes last.

        A document comes after its placements and a placement after those below it: ``Record.order`` puts parents
        first.

        Raises:
            ImportRefused: If the file cannot be imported.
        """
        for event, element in events(stream, (*RECORDS, *Frame.WATCHED)):
            name = local(element)
            if name == "REQ-IF":
                self._root(event, element)
            elif event == "start":
                self._begin(name, element)
            elif name in Frame.WATCHED:
                self._frame.section(name, element)
            else:
                yield from self._record(name, element)
                forget(element)
        header = self._frame.header
        header["as"] = self._builder.valid(header.get("identifier") or "_reqtrail-header")
        extra = {**self._frame.as_json(), "templates": self._builder.templates}
        yield Record("package", "", {"path": "", "header": header, "extra": extra}, 0)

    def _root(self, event: str, element: etree._Element) -> None:
        if event == "start":
            self._frame.open(element)
            self._builder.use(self._frame.nsmap)
        else:
            self._frame.close(element)

    def _begin(self, name: str, element: etree._Element) -> None:
        if name == "SPECIFICATION":
            self._document = element.get("IDENTIFIER") or ""
            self._top_level, self._stack = 0, []
        elif name == "SPEC-HIERARCHY":
            if self._stack:
                position = self._stack[-1].children
                self._stack[-1].children += 1
            else:
                position = self._top_level
                self._top_level += 1
            if len(self._stack) >= MAX_DEPTH:
                raise TooDeep(
                    f"A document's tree has at most {MAX_DEPTH} levels; in “{self._document}” there are more.",
                    object=self._document,
                    line=element.sourceline,
                )
            self._placements += 1
            identifier = element.get("IDENTIFIER") or f"hierarchy {self._placements}"
            place = Place(
                self._builder.once("placement", identifier),
                self._document,
                self._stack[-1].identifier if self._stack else None,
                self._placements,
                rank_of(position),
            )
            self._stack.append(place)

    def _record(self, name: str, element: etree._Element) -> Iterator[Record]:
        if name in {"SPEC-HIERARCHY", "SPECIFICATION"}:
            _empty_children(element)  # they are records of their own, and read already
        place = self._stack.pop() if name == "SPEC-HIERARCHY" else None
        yield from self._builder.records(element, place)


def _empty_children(element: etree._Element) -> None:
    for holder in element.iterfind("{*}CHILDREN"):
        for node in [child for child in holder if local(child)]:
            holder.remove(node)
