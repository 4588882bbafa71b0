"""What stands around the entities of a file: root, header, sections, tool extensions, comments."""

from __future__ import annotations

from typing import Any, ClassVar

from lxml import etree

from reqtrail.features.exchange.reqif.fragments import NsMap, to_text
from reqtrail.features.exchange.reqif.names import OLD_NAMESPACES, REQIF, SECTIONS
from reqtrail.features.exchange.reqif.strict import attributes_of, local
from reqtrail.features.exchange.types import Losses

_HEADER_PARTS = ("COMMENT", "REPOSITORY-ID", "SOURCE-TOOL-ID", "TITLE")
_ROOT_ATTRIBUTES = ("{http://www.w3.org/XML/1998/namespace}lang",)
_XSI = "{http://www.w3.org/2001/XMLSchema-instance}"


class Frame:
    """Collects the frame while a file is read."""

    WATCHED: ClassVar = ("THE-HEADER", "TOOL-EXTENSIONS", *SECTIONS)

    def __init__(self, losses: Losses) -> None:
        self._losses = losses
        self.nsmap: NsMap = {}
        self.header: dict[str, Any] = {}
        self._root: dict[str, Any] = {}
        self._sections: list[dict[str, Any]] = []
        self._tools: str | None = None
        self._had_header = False

    def open(self, root: etree._Element) -> None:
        """Take the root's name, name spaces and attributes."""
        self.nsmap = {
            prefix: (REQIF if uri in OLD_NAMESPACES else uri) for prefix, uri in root.nsmap.items()
        }
        namespace = str(root.tag).rpartition("}")[0].removeprefix("{")
        if namespace in OLD_NAMESPACES:
            self._losses.add(
                "old_namespace",
                "The name space of an early draft becomes that of ReqIF 1.0.",
                namespace or "",
            )
        attributes = {}
        for name, value in attributes_of(root).items():
            if name in _ROOT_ATTRIBUTES or name.startswith(_XSI):
                attributes[name] = value
            else:
                self._losses.add(
                    "unknown_attribute",
                    "Attributes that ReqIF does not have are left out of exports.",
                    f"REQ-IF: {name}",
                )
        self._root = {
            "prefix": root.prefix,
            "nsmap": [[prefix, uri] for prefix, uri in self.nsmap.items()],
            "attributes": attributes,
            "before": [
                node.text or ""
                for node in reversed(list(root.itersiblings(preceding=True)))
                if isinstance(node, etree._Comment)
            ],
        }

    def section(self, name: str, element: etree._Element) -> None:
        """Take the end of a section, of the header or of the tool extensions."""
        parent = element.getparent()
        holder = local(parent) if parent is not None else ""
        if name == "THE-HEADER":
            self._take_header(element)
        elif name == "TOOL-EXTENSIONS":
            if holder == "REQ-IF":
                self._tools = to_text(element, self.nsmap)
        elif holder == "REQ-IF-CONTENT":
            after = [node.text or "" for node in element if isinstance(node, etree._Comment)]
            self._sections.append({"name": name, "after": after})

    def close(self, root: etree._Element) -> None:
        """Take what follows the root's content, and name what a valid file needs and this one lacked."""
        self._root["after"] = [
            node.text or "" for node in root.itersiblings() if isinstance(node, etree._Comment)
        ]
        if not self._had_header:
            self._losses.add("header_missing", "The file has no header; exports get one.")
        names = [section["name"] for section in self._sections]
        if names != [name for name in SECTIONS if name in names]:
            self._losses.add("order_changed", "Sections are written in the order of the schema.")
        if root.find("{*}CORE-CONTENT/{*}REQ-IF-CONTENT") is None:
            self._losses.add(
                "content_missing", "The file has no content; exports get an empty one."
            )

    def as_json(self) -> dict[str, Any]:
        """Return the frame as it is kept with the package."""
        return {"root": self._root, "sections": self._sections, "tools": self._tools}

    def _take_header(self, element: etree._Element) -> None:
        header = element.find("{*}REQ-IF-HEADER")
        if header is None:
            return
        self._had_header = True
        self.header = {"identifier": header.get("IDENTIFIER")}
        for attribute in attributes_of(header):
            if attribute != "IDENTIFIER":
                self._losses.add(
                    "unknown_attribute",
                    "Attributes that ReqIF does not have are left out of exports.",
                    f"REQ-IF-HEADER: {attribute}",
                )
        for child in header:
            name = local(child)
            if name in _HEADER_PARTS:
                self.header[name] = child.text or ""
            elif name and name not in {"CREATION-TIME", "REQ-IF-TOOL-ID", "REQ-IF-VERSION"}:
                self._losses.add(
                    "unknown_element",
                    "Elements that ReqIF does not have in this place are left out of exports.",
                    f"REQ-IF-HEADER: {name}",
                )
        for name in ("TITLE", "SOURCE-TOOL-ID"):
            if name not in self.header:
                self._losses.add("header_incomplete", "The header lacks what ReqIF requires.", name)
        version = header.find("{*}REQ-IF-VERSION")
        if version is None or (version.text or "").strip() != "1.0":
            self._losses.add("version_changed", "REQ-IF-VERSION is always written as 1.0.")
