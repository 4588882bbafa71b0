"""A generated project: the same for the same seed and size.

Items stand in documents of up to 5,000, in three levels (needs, system, software: 20, 30 and 50 %). Each has about 60
words of rich text, a list in every fourth, a table in every twentieth, six attributes, and 1.5 links to the level
above. Words follow Zipf's law; rare identifiers are strewn in.
"""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any
from uuid import UUID, uuid5

from reqtrail.features.requirements.public import default_id
from reqtrail.features.versioning.public import Action, Operation
from reqtrail.kit.rank import spread

LEVELS = (("Needs", 0.2), ("System", 0.3), ("Software", 0.5))
MAX_DOCUMENT = 5000
PER_HEADING = 25
CHUNK = 2000
LINKS_AN_ITEM = 1.5
_SYLLABLES = "ba ce di fo gu ha ke li mo nu pa re si to vu wa xe yi zo tra".split()
_OPEN = '<div xmlns="http://www.w3.org/1999/xhtml">'


@dataclass(frozen=True)
class Row:
    """An item and where it stands; ``parent`` is the index of a heading's row, -1 at the top."""

    index: int
    level: int
    document: int
    parent: int
    heading: bool


class Corpus:
    """The rows of a project of *size* items."""

    def __init__(self, size: int, seed: int = 7) -> None:
        self.size = size
        self._seed = seed
        words = random.Random(seed)
        self._words = [
            "".join(words.choices(_SYLLABLES, k=words.randint(1, 4))) for _ in range(20_000)
        ]
        self._weights = list(accumulate(1 / (rank + 1) for rank in range(len(self._words))))
        self.rows: list[Row] = []
        self.titles: list[str] = []
        for level, (name, share) in enumerate(LEVELS):
            self._fill(level, name, round(size * share))
        self._by_level = [
            [row.index for row in self.rows if row.level == level and not row.heading]
            for level in range(len(LEVELS))
        ]

    def _fill(self, level: int, name: str, count: int) -> None:
        while count > 0:
            size = min(count, MAX_DOCUMENT)
            document = len(self.titles)
            self.titles.append(f"{name} {document + 1}")
            heading = -1
            for position in range(size):
                index = len(self.rows)
                is_heading = position % PER_HEADING == 0
                parent = -1 if is_heading else heading
                heading = index if is_heading else heading
                self.rows.append(Row(index, level, document, parent, is_heading))
            count -= size

    def text(self, index: int, salt: str = "") -> str:
        """Return the rich text of an item as XHTML source."""
        chance = random.Random(f"{self._seed}/{index}/{salt}")
        words = chance.choices(self._words, cum_weights=self._weights, k=chance.randint(40, 80))
        words[0] = f"ID{chance.randrange(10**7):07}"
        middle = len(words) // 2
        body = f"<p>{' '.join(words[:middle])} <b>{words[middle]}</b>.</p>"
        rest = words[middle + 1 :]
        if index % 20 == 0:
            cells = "".join(f"<td>{word}</td>" for word in rest[:4])
            body += f"<table><tbody><tr>{cells}</tr></tbody></table><p>{' '.join(rest[4:])}</p>"
        elif index % 4 == 0:
            body += f"<ul>{''.join(f'<li>{word}</li>' for word in rest)}</ul>"
        else:
            body += f"<p>{' '.join(rest)}</p>"
        return f"{_OPEN}{body}</div>"

    def links(self) -> Iterator[tuple[int, int]]:
        """Yield (source, target) indexes: each item to one or two of the level above."""
        chance = random.Random(self._seed + 1)
        for level in range(1, len(LEVELS)):
            above = self._by_level[level - 1]
            for index in self._by_level[level]:
                wanted = 1 + (chance.random() < LINKS_AN_ITEM / 0.8 - 1)
                for target in chance.sample(above, min(wanted, len(above))):
                    yield index, target


class Load:
    """A corpus as operations of one project."""

    def __init__(self, corpus: Corpus, project_id: UUID, with_links: bool = True) -> None:
        self._corpus = corpus
        self._with_links = with_links
        self._project = project_id

    def id(self, kind: str, index: int) -> UUID:
        """Return the id of a document, an item, a placement or a link."""
        return uuid5(self._project, f"{kind}/{index}")

    def _attributes(self, row: Row) -> dict[str, Any]:
        def attribute(name: str) -> str:
            return str(default_id(self._project, "attribute", type_name, name))

        def value(datatype: str, name: str) -> list[str]:
            return [str(default_id(self._project, "value", datatype, name))]

        type_name = "Heading" if row.heading else "Requirement"
        if row.heading:
            return {attribute("Title"): f"Section {row.index}"}
        return {
            attribute("Title"): f"Requirement {row.index}",
            attribute("Text"): self._corpus.text(row.index),
            attribute("Rationale"): f"{_OPEN}<p>Because of {row.index % 97}.</p></div>",
            attribute("Status"): value("Status", ("Draft", "Proposed", "Approved")[row.index % 3]),
            attribute("Priority"): value("Priority", ("Must", "Should", "Could")[row.index % 3]),
            attribute("Verification"): value("Verification method", "Test"),
            attribute("Source"): f"Source {row.index % 50}",
            attribute("Owner"): f"Owner {row.index % 20}",
        }

    def _row(self, row: Row, rank: str) -> list[Operation]:
        type_name = "Heading" if row.heading else "Requirement"
        item = {
            "type_id": default_id(self._project, "type", type_name),
            "attributes": self._attributes(row),
            "extra": None,
        }
        placement = {
            "document_id": self.id("document", row.document),
            "parent_id": None if row.parent < 0 else self.id("placement", row.parent),
            "item_id": self.id("item", row.index),
            "rank": rank,
            "extra": None,
        }
        return [
            Operation(Action.CREATE, "item", self.id("item", row.index), item),
            Operation(Action.CREATE, "placement", self.id("placement", row.index), placement),
        ]

    def _operations(self) -> Iterator[Operation]:
        ranks = spread(None, None, max(MAX_DOCUMENT, len(self._corpus.titles)))
        for index, title in enumerate(self._corpus.titles):
            fields = {
                "title": title,
                "type_id": default_id(self._project, "type", "Specification"),
                "attributes": {},
                "rank": ranks[index],
                "archived": False,
                "extra": None,
            }
            yield Operation(Action.CREATE, "document", self.id("document", index), fields)
        for row in self._corpus.rows:
            yield from self._row(row, ranks[row.index % MAX_DOCUMENT])
        link_type = default_id(self._project, "type", "derives from")
        links = self._corpus.links() if self._with_links else ()
        for number, (source, target) in enumerate(links):
            fields = {
                "type_id": link_type,
                "source_id": self.id("item", source),
                "target_id": self.id("item", target),
                "attributes": {},
                "extra": None,
            }
            yield Operation(Action.CREATE, "link", self.id("link", number), fields)

    async def chunks(self) -> AsyncIterator[list[Operation]]:
        """Yield all operations in an order in which each one finds what it refers to."""
        chunk: list[Operation] = []
        for operation in self._operations():
            chunk.append(operation)
            if len(chunk) >= CHUNK:
                yield chunk
                chunk = []
        if chunk:
            yield chunk
