"""What a history's items become in the model: their ids, which follow from the history alone, and their contents.

Types and attributes are shared by all histories of a project; items, documents and links belong to one history, whose
name is the id of its first commit. So the same file makes the same entities whenever it is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final
from uuid import UUID, uuid5
from xml.sax.saxutils import escape

from reqtrail.features.versioning.public import Content
from reqtrail.kit.rank import between, spread

UID, TITLE, TEXT = "UID", "TITLE", "STATEMENT"
ROLES: Final = (UID, TITLE, TEXT)
"""The fields that each type has from its beginning."""
STYLES: Final = {"TEXT": "information", "SECTION": "heading", "TEST": "test", "TEST_CASE": "test"}
XHTML: Final = "http://www.w3.org/1999/xhtml"
TYPE_RANK: Final = between("y", None)
"""Behind the types of a new project."""
_NO_XML = re.compile("[\x01-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


def rich_text(text: str) -> str:
    """Return plain text as XHTML source: a paragraph for each, lines as they were.

    Control characters that XML cannot hold are left out.
    """
    if not text:
        return ""
    clean = escape(_NO_XML.sub("", text.replace("\r\n", "\n").replace("\r", "\n")))
    paragraphs = [part.replace("\n", "<br/>") for part in clean.split("\n\n")]
    return f'<div xmlns="{XHTML}"><p>{"</p><p>".join(paragraphs)}</p></div>'


@dataclass(frozen=True)
class Names:
    """Gives out the ids of one history.

    Attributes:
        root: The id of its first commit.
        document_type: The type that documents get, if any.
    """

    project_id: UUID
    root: str
    document_type: UUID | None = None

    def own(self, *parts: str) -> UUID:
        """Return the id of a thing of this history."""
        return uuid5(self.project_id, "/".join(("history", self.root, *parts)))

    def shared(self, *parts: str) -> UUID:
        """Return the id of a part of the schema, the same for all histories of the project."""
        return uuid5(self.project_id, "/".join(("history", *parts)))

    @cached_property
    def datatypes(self) -> dict[bool, UUID]:
        """The datatypes of plain (False) and of rich text (True)."""
        return {rich: self.shared("datatype", str(rich)) for rich in (False, True)}

    def datatype(self, *, rich: bool) -> Content:
        """Return the content of a datatype. Texts of a history are as long as they are."""
        return {
            "base": "xhtml" if rich else "string",
            "name": "Rich text (history)" if rich else "Text (history)",
            "description": "Of imported histories.",
            "constraints": {},
            "enum_values": [],
            "extra": None,
        }

    def type_id(self, node: str) -> UUID:
        """Return the id of the item type of a kind of node."""
        return self.shared("type", node)

    def item_type(self, node: str) -> Content:
        """Return the content of the item type of a kind of node."""
        return {
            **_TYPE,
            "category": "item",
            "name": node,
            "presentation": {
                "style": STYLES.get(node.upper(), "requirement"),
                "title": str(self.attribute_id(node, TITLE)),
                "text": str(self.attribute_id(node, TEXT)),
            },
        }

    def link_type_id(self, name: str) -> UUID:
        """Return the id of the link type of a type of relation."""
        return self.shared("link type", name)

    def link_type(self, name: str) -> Content:
        """Return the content of the link type of a type of relation."""
        return {**_TYPE, "category": "link", "name": name, "presentation": {}}

    def attribute_id(self, node: str, name: str) -> UUID:
        """Return the id of the attribute that a field becomes."""
        return self.shared("attribute", node, name)

    def attribute(self, node: str, name: str, rank: str) -> Content:
        """Return the content of the attribute that a field becomes."""
        return {
            "type_id": self.type_id(node),
            "datatype_id": self.datatypes[name == TEXT],
            "name": name,
            "description": "",
            "multi_valued": False,
            "default_value": None,
            "rank": rank,
            "extra": None,
        }

    def document(self, path: str, rank: str) -> Content:
        """Return the content of a document."""
        return {
            "title": path,
            "type_id": self.document_type,
            "attributes": {},
            "rank": rank,
            "archived": False,
            "extra": None,
        }

    def item(self, node: str, fields: dict[str, str]) -> Content:
        """Return the content of an item."""
        values: dict[str, Any] = {
            str(self.attribute_id(node, name)): rich_text(text) if name == TEXT else text
            for name, text in fields.items()
        }
        return {"type_id": self.type_id(node), "attributes": values, "extra": None}


_TYPE: Final[Content] = {"description": "", "rank": TYPE_RANK, "extra": None}
ROLE_RANKS: Final = dict(zip(ROLES, spread(None, None, len(ROLES)), strict=True))
"""The ranks of the attributes that each type has from its beginning."""
