"""A report of changes as one page to keep or to print: no script, nothing from elsewhere, every text escaped."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator

from reqtrail.entrypoints.cli.report_data import Entry, Field, Marks, Report, Section, Side

_UNFIT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""Characters that no HTML page may hold."""

_WORDS = ("added", "removed", "changed", "moved")
_SIGNS = {
    "added": "+",
    "removed": "−",
    "changed": "~",
    "moved": "↕",
    "placed": "+",
    "taken out": "−",
}

_STYLE = """
:root { color-scheme: light; font: 1rem/1.5 system-ui, sans-serif; color: #1a1a1a; background: #fff; }
body { margin: 0 auto; max-width: 60rem; padding: 1.5rem; }
h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; border-bottom: 1px solid #767676; margin-top: 2.5rem; }
h3 { font-size: 1rem; margin: 0; }
table { border-collapse: collapse; margin: 1rem 0; }
caption { text-align: start; font-weight: 600; padding-block: .3rem; }
th, td { border: 1px solid #a0a0a0; padding: .25rem .6rem; text-align: start; vertical-align: top; }
td { overflow-wrap: anywhere; }
td.number { text-align: end; font-variant-numeric: tabular-nums; }
article { border: 1px solid #a0a0a0; border-inline-start-width: .4rem; padding: .6rem .9rem; margin: .8rem 0; }
article.added { border-inline-start-color: #1a6b2d; } article.removed { border-inline-start-color: #a11; }
article.changed, article.moved { border-inline-start-color: #8a5a00; }
dl { margin: .4rem 0 0; } dt { font-weight: 600; margin-top: .4rem; }
dd { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
p { margin: .3rem 0; overflow-wrap: anywhere; }
code { overflow-wrap: anywhere; }
ins { background: #dcf5e0; color: #0b3d17; text-decoration: underline; }
del { background: #fde2e2; color: #6b0f0f; text-decoration: line-through; }
.tag { border: 1px solid currentColor; border-radius: .2rem; font-size: .85rem; padding: 0 .35rem; }
.tag { white-space: nowrap; }
.quiet { color: #555; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
a { color: #0b4fa0; } a:focus-visible { outline: 3px solid #0b4fa0; outline-offset: 2px; }
@page { margin: 18mm 15mm; }
@media print {
  :root { font-size: 10pt; } body { max-width: none; padding: 0; } nav { display: none; }
  article { break-inside: avoid-page; } h2, h3, caption { break-after: avoid; } thead { display: table-header-group; }
  ins, del, article { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
""".strip()


def render(report: Report, made_at: str) -> str:
    """Return the page of *report*, made at the time *made_at*."""
    title = f"Changes in {report.project}: {report.older.given} to {report.newer.given}"
    body = [
        *_head(report, title, made_at),
        "<main>",
        *_summary(report),
        *_contents(report),
        *(
            line
            for number, section in enumerate(report.sections)
            for line in _section(number, section)
        ),
        *_list("links", "Links", report.links),
        *_list("definitions", "Types, attributes and files", report.definitions),
        "</main>",
    ]
    return "\n".join(
        [
            "<!DOCTYPE html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta http-equiv="Content-Security-Policy"'
            " content=\"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'\">",
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="referrer" content="no-referrer">',
            f"<title>{_text(title)}</title>",
            f"<style>\n{_STYLE}\n</style>",
            "</head>",
            "<body>",
            *body,
            "</body>",
            "</html>",
            "",
        ]
    )


def _text(text: object) -> str:
    """Return a text as it may stand in the page, inside an element or an attribute."""
    return html.escape(_UNFIT.sub("\ufffd", str(text)), quote=True)


def _own(text: object) -> str:
    """Return a text that somebody wrote, whose direction of writing stays its own."""
    return f'<bdi dir="auto">{_text(text)}</bdi>'


def _head(report: Report, title: str, made_at: str) -> Iterator[str]:
    yield "<header>"
    yield f"<h1>{_own(title)}</h1>"
    yield f"<p>Project {_own(report.project)}, {_own(report.name)}. Made at {_text(made_at)}.</p>"
    yield "<table><caption>What is compared</caption>"
    yield '<thead><tr><td></td><th scope="col">Older</th><th scope="col">Newer</th></tr></thead><tbody>'
    sides = (report.older, report.newer)
    for name, cells in (
        ("Named as", [_own(side.given) for side in sides]),
        ("Version", [f"{side.seq} of {_own(side.branch)}" for side in sides]),
        ("Recorded at", [_text(side.recorded_at) for side in sides]),
        ("Commit", [f"<code>{_text(side.commit)}</code>" for side in sides]),
        ("Baselines", [_baselines(side) for side in sides]),
    ):
        row = "".join(f"<td>{cell}</td>" for cell in cells)
        yield f'<tr><th scope="row">{name}</th>{row}</tr>'
    yield "</tbody></table>"
    yield "</header>"


def _baselines(side: Side) -> str:
    if not side.baselines:
        return '<span class="quiet">none</span>'
    lines = []
    for name, state, root in side.baselines:
        seal = f"{_text(state)}, root <code>{_text(root)}</code>" if root else _text(state)
        lines.append(f"{_own(name)}: {seal}")
    return "<br>".join(lines)


def _summary(report: Report) -> Iterator[str]:
    if not report.counts:
        yield "<p>Nothing differs between the two versions.</p>"
        return
    heads = "".join(f'<th scope="col">{word.capitalize()}</th>' for word in _WORDS)
    yield "<table><caption>Summary</caption>"
    yield f'<thead><tr><th scope="col">What</th>{heads}</tr></thead><tbody>'
    for kind, counts in sorted(report.counts.items()):
        cells = "".join(f'<td class="number">{counts.get(word, 0)}</td>' for word in _WORDS)
        name = _text(kind.replace("_", " ").capitalize())
        yield f'<tr><th scope="row">{name}</th>{cells}</tr>'
    yield "</tbody></table>"


def _contents(report: Report) -> Iterator[str]:
    targets = [
        *((f"document-{number}", section.title) for number, section in enumerate(report.sections)),
        *([("links", "Links")] if report.links else []),
        *([("definitions", "Types, attributes and files")] if report.definitions else []),
    ]
    if len(targets) > 1:
        links = "".join(f'<li><a href="#{name}">{_own(title)}</a></li>' for name, title in targets)
        yield f'<nav aria-label="Contents"><ul>{links}</ul></nav>'


def _section(number: int, section: Section) -> Iterator[str]:
    word = f" {_tag(section.word)}" if section.word else ""
    yield f'<section aria-labelledby="document-{number}">'
    yield f'<h2 id="document-{number}">{_own(section.title)}{word}</h2>'
    yield from _fields(section.fields)
    for entry in (*section.entries, *section.gone):
        yield from _entry(entry)
    yield "</section>"


def _list(name: str, title: str, entries: Iterable[Entry]) -> Iterator[str]:
    found = list(entries)
    if found:
        yield f'<section aria-labelledby="{name}"><h2 id="{name}">{title}</h2>'
        for entry in found:
            yield from _entry(entry)
        yield "</section>"


def _entry(entry: Entry) -> Iterator[str]:
    words = entry.words or ("changed",)
    shown = {"placed": "added", "taken out": "removed"}.get(words[-1], words[-1])
    tags = " ".join(_tag(word) for word in words)
    yield f'<article class="{_text(shown)}">'
    yield f"<h3>{tags} {_own(entry.name)} {_own(entry.title)}</h3>"
    if entry.place:
        yield f'<p class="quiet">{_own(entry.place)}</p>'
    yield from _fields(entry.fields)
    yield "</article>"


def _tag(word: str) -> str:
    sign = _SIGNS.get(word, "~")
    return f'<span class="tag"><span aria-hidden="true">{sign} </span>{_text(word)}</span>'


def _fields(fields: Iterable[Field]) -> Iterator[str]:
    found = list(fields)
    if not found:
        return
    yield "<dl>"
    for item in found:
        note = f'<br><span class="quiet">{_text(item.note)}</span>' if item.note else ""
        yield f'<dt>{_own(item.name)}</dt><dd dir="auto">{_marked(item.marks)}{note}</dd>'
    yield "</dl>"


def _marked(marks: Marks) -> str:
    parts = []
    for sign, text in marks:
        if sign == "=":
            parts.append(_text(text))
        else:
            name, word = ("ins", "added") if sign == "+" else ("del", "removed")
            parts.append(f'<{name}><span class="hidden">{word}: </span>{_text(text)}</{name}>')
    return "".join(parts)
