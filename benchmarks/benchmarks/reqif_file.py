"""The generated project as a ReqIF file, written as it is made so that any size fits in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.corpus import Corpus

_REQIF = "http://www.omg.org/spec/ReqIF/20110401/reqif.xsd"
_MOMENT = "2026-01-01T00:00:00Z"
_STATES = ("Draft", "Proposed", "Approved")
_STRINGS = ("Title", "Source", "Owner")

_HEAD = f"""<?xml version="1.0" encoding="UTF-8"?>
<REQ-IF xmlns="{_REQIF}" xmlns:xhtml="http://www.w3.org/1999/xhtml">
<THE-HEADER><REQ-IF-HEADER IDENTIFIER="header"><CREATION-TIME>{_MOMENT}</CREATION-TIME>
<REQ-IF-TOOL-ID>benchmark</REQ-IF-TOOL-ID><REQ-IF-VERSION>1.0</REQ-IF-VERSION>
<SOURCE-TOOL-ID>benchmark</SOURCE-TOOL-ID><TITLE>Generated</TITLE></REQ-IF-HEADER></THE-HEADER>
<CORE-CONTENT><REQ-IF-CONTENT>
"""
_TAIL = "</REQ-IF-CONTENT></CORE-CONTENT></REQ-IF>\n"


def write_reqif(corpus: Corpus, path: Path) -> int:
    """Write the corpus to *path*; return its size in bytes."""
    with path.open("w", encoding="utf-8") as sink:
        sink.write(_HEAD)
        sink.writelines(_definitions())
        sink.write("<SPEC-OBJECTS>\n")
        sink.writelines(_objects(corpus))
        sink.write("</SPEC-OBJECTS>\n<SPEC-RELATIONS>\n")
        sink.writelines(_relations(corpus))
        sink.write("</SPEC-RELATIONS>\n<SPECIFICATIONS>\n")
        sink.writelines(_specifications(corpus))
        sink.write("</SPECIFICATIONS>\n")
        sink.write(_TAIL)
    return path.stat().st_size


def _named(tag: str, identifier: str, name: str, more: str = "") -> str:
    return f'<{tag} IDENTIFIER="{identifier}" LAST-CHANGE="{_MOMENT}" LONG-NAME="{name}"{more}'


def _definitions() -> Iterator[str]:
    yield "<DATATYPES>\n"
    yield _named("DATATYPE-DEFINITION-STRING", "d-string", "String", ' MAX-LENGTH="32000"/>\n')
    yield _named("DATATYPE-DEFINITION-XHTML", "d-xhtml", "Text", "/>\n")
    yield _named("DATATYPE-DEFINITION-ENUMERATION", "d-state", "Status", "><SPECIFIED-VALUES>\n")
    for number, name in enumerate(_STATES):
        yield _named("ENUM-VALUE", f"v-{number}", name, "><PROPERTIES>")
        yield f'<EMBEDDED-VALUE KEY="{number}" OTHER-CONTENT=""/></PROPERTIES></ENUM-VALUE>\n'
    yield "</SPECIFIED-VALUES></DATATYPE-DEFINITION-ENUMERATION>\n</DATATYPES>\n<SPEC-TYPES>\n"
    yield _named("SPEC-OBJECT-TYPE", "t-item", "Requirement", "><SPEC-ATTRIBUTES>\n")
    for name in _STRINGS:
        yield _attribute("STRING", f"a-{name}", name, "d-string")
    for name in ("Text", "Rationale"):
        yield _attribute("XHTML", f"a-{name}", f"ReqIF.{name}", "d-xhtml")
    yield _attribute("ENUMERATION", "a-state", "Status", "d-state", ' MULTI-VALUED="false"')
    yield "</SPEC-ATTRIBUTES></SPEC-OBJECT-TYPE>\n"
    yield _named("SPEC-RELATION-TYPE", "t-link", "derives from", "/>\n")
    yield _named("SPECIFICATION-TYPE", "t-document", "Specification", "/>\n</SPEC-TYPES>\n")


def _attribute(base: str, identifier: str, name: str, datatype: str, more: str = "") -> str:
    begin = _named(f"ATTRIBUTE-DEFINITION-{base}", identifier, name, more)
    reference = f"DATATYPE-DEFINITION-{base}-REF"
    return (
        f"{begin}><TYPE><{reference}>{datatype}</{reference}></TYPE>"
        f"</ATTRIBUTE-DEFINITION-{base}>\n"
    )


def _objects(corpus: Corpus) -> Iterator[str]:
    for row in corpus.rows:
        title = f"Section {row.index}" if row.heading else f"Requirement {row.index}"
        strings = (title, f"Source {row.index % 50}", f"Owner {row.index % 20}")
        values = [
            f'<ATTRIBUTE-VALUE-STRING THE-VALUE="{value}"><DEFINITION>'
            f"<ATTRIBUTE-DEFINITION-STRING-REF>a-{name}</ATTRIBUTE-DEFINITION-STRING-REF>"
            "</DEFINITION></ATTRIBUTE-VALUE-STRING>"
            for name, value in zip(_STRINGS, strings, strict=True)
        ]
        if not row.heading:
            values.append(_xhtml("Text", corpus.text(row.index)))
            because = f"<xhtml:div><xhtml:p>Because of {row.index % 97}.</xhtml:p></xhtml:div>"
            values.append(_xhtml("Rationale", because))
            values.append(
                "<ATTRIBUTE-VALUE-ENUMERATION><VALUES>"
                f"<ENUM-VALUE-REF>v-{row.index % 3}</ENUM-VALUE-REF></VALUES><DEFINITION>"
                "<ATTRIBUTE-DEFINITION-ENUMERATION-REF>a-state</ATTRIBUTE-DEFINITION-ENUMERATION-REF>"
                "</DEFINITION></ATTRIBUTE-VALUE-ENUMERATION>"
            )
        yield (
            f'<SPEC-OBJECT IDENTIFIER="o-{row.index}" LAST-CHANGE="{_MOMENT}">'
            f"<VALUES>{''.join(values)}</VALUES>"
            "<TYPE><SPEC-OBJECT-TYPE-REF>t-item</SPEC-OBJECT-TYPE-REF></TYPE></SPEC-OBJECT>\n"
        )


def _xhtml(name: str, source: str) -> str:
    return (
        f"<ATTRIBUTE-VALUE-XHTML><THE-VALUE>{source}</THE-VALUE><DEFINITION>"
        f"<ATTRIBUTE-DEFINITION-XHTML-REF>a-{name}</ATTRIBUTE-DEFINITION-XHTML-REF>"
        "</DEFINITION></ATTRIBUTE-VALUE-XHTML>"
    )


def _relations(corpus: Corpus) -> Iterator[str]:
    for number, (source, target) in enumerate(corpus.links()):
        yield (
            f'<SPEC-RELATION IDENTIFIER="r-{number}" LAST-CHANGE="{_MOMENT}">'
            "<TYPE><SPEC-RELATION-TYPE-REF>t-link</SPEC-RELATION-TYPE-REF></TYPE>"
            f"<SOURCE><SPEC-OBJECT-REF>o-{source}</SPEC-OBJECT-REF></SOURCE>"
            f"<TARGET><SPEC-OBJECT-REF>o-{target}</SPEC-OBJECT-REF></TARGET></SPEC-RELATION>\n"
        )


def _specifications(corpus: Corpus) -> Iterator[str]:
    document, section = -1, False
    for row in corpus.rows:
        if row.heading and section:
            yield "</CHILDREN></SPEC-HIERARCHY>\n"
            section = False
        if row.document != document:
            if document >= 0:
                yield "</CHILDREN></SPECIFICATION>\n"
            document = row.document
            yield _named("SPECIFICATION", f"s-{document}", corpus.titles[document], ">")
            yield "<TYPE><SPECIFICATION-TYPE-REF>t-document</SPECIFICATION-TYPE-REF></TYPE>"
            yield "<CHILDREN>\n"
        yield (
            f'<SPEC-HIERARCHY IDENTIFIER="h-{row.index}" LAST-CHANGE="{_MOMENT}"><OBJECT>'
            f"<SPEC-OBJECT-REF>o-{row.index}</SPEC-OBJECT-REF></OBJECT>"
        )
        if row.heading:
            section = True
            yield "<CHILDREN>\n"
        else:
            yield "</SPEC-HIERARCHY>\n"
    if section:
        yield "</CHILDREN></SPEC-HIERARCHY>\n"
    if document >= 0:
        yield "</CHILDREN></SPECIFICATION>\n"
