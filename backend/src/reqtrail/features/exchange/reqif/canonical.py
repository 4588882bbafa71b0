"""When two ReqIF files say the same: equal after C14N 2.0, comments and prefixes kept.

Whitespace-only text is dropped first, and in the header the time of writing, the tools and the version are ignored,
since an export has its own.
"""

from __future__ import annotations

from lxml import etree

from reqtrail.features.exchange.reqif.strict import local

IGNORED_IN_HEADER = {"CREATION-TIME", "SOURCE-TOOL-ID", "REQ-IF-TOOL-ID", "REQ-IF-VERSION"}


def canonical(data: bytes) -> bytes:
    """Return the canonical form of a ReqIF file.

    Raises:
        lxml.etree.XMLSyntaxError: If it is not well-formed.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=True
    )
    root = etree.fromstring(data, parser)
    for node in root.iter():
        if node.text is not None and not node.text.strip():
            node.text = None
        if node.tail is not None and not node.tail.strip():
            node.tail = None
        if local(node) == "REQ-IF-HEADER":
            for child in node:
                if local(child) in IGNORED_IN_HEADER:
                    child.text = None
    text: str = etree.canonicalize(
        etree.tostring(root.getroottree(), encoding="unicode"), with_comments=True
    )
    return text.encode()
