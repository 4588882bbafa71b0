"""The rules for the documentation, as functions that name what breaks them. Each takes the root of a clone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from reqtrail.platform.settings import Settings

SECTIONS = ["Context", "Decision", "Consequences"]
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_FENCE = re.compile(r"```.*?```", re.DOTALL)
INTERNAL_SETTINGS = {"migrations", "runtime_dir", "embedded_no_userns"}
"""Variables that are read outside of ``Settings``, by what runs before it or for tests."""


def pages(root: Path) -> Iterator[Path]:
    """Yield the pages that people write."""
    yield from sorted(root.glob("*.md"))
    for folder in ("docs", "examples", "benchmarks"):
        yield from sorted((root / folder).rglob("*.md"))


def _links(page: Path) -> Iterator[Path]:
    """Yield what *page* links to in the clone."""
    for target in _LINK.findall(_FENCE.sub("", page.read_text())):
        if not re.match(r"[a-z]+:|#", target):
            yield (page.parent / target.partition("#")[0]).resolve()


def broken_links(root: Path) -> list[str]:
    """Name the links to files that are not there."""
    return [
        f"{page.relative_to(root)}: {target.relative_to(root.resolve())}"
        for page in pages(root)
        for target in _links(page)
        if not target.exists()
    ]


def unreachable_pages(root: Path) -> list[str]:
    """Name the pages below docs/ that no way leads to from docs/index.md."""
    reached, waiting = set(), [(root / "docs" / "index.md").resolve()]
    while waiting:
        page = waiting.pop()
        if page not in reached and page.suffix == ".md" and page.exists():
            reached.add(page)
            waiting.extend(_links(page))
    written = {page.resolve() for page in (root / "docs").rglob("*.md")}
    return sorted(str(page.relative_to(root.resolve())) for page in written - reached)


def odd_decisions(root: Path) -> list[str]:
    """Name the decision records of another form: number, title, the three sections, and a line in the list."""
    folder = root / "docs" / "decisions"
    listed = (folder / "README.md").read_text()
    found = []
    for page in sorted(folder.glob("[0-9]*.md")):
        text = page.read_text()
        title = text.splitlines()[0].removeprefix("# ")
        if not title.startswith(f"{page.name[:4]}: "):
            found.append(f"{page.name}: the title begins with {title[:6]!r}")
        if re.findall(r"^## (.*)$", text, re.MULTILINE) != SECTIONS:
            found.append(f"{page.name}: its sections are not {', '.join(SECTIONS)}")
        if f"[{title}]({page.name})" not in listed:
            found.append(f"{page.name}: not in the list")
    return found


def unnamed_targets(root: Path) -> list[str]:
    """Name the make targets that CONTRIBUTING.md does not mention."""
    targets = re.findall(r"^([a-z-]+):.*## ", (root / "Makefile").read_text(), re.MULTILINE)
    text = (root / "CONTRIBUTING.md").read_text()
    return [target for target in targets if not re.search(rf"make {target}(?![a-z-])", text)]


def undescribed_settings(root: Path) -> list[str]:
    """Name the settings that docs/operations.md leaves out, and those that it invents."""
    text = (root / "docs" / "operations.md").read_text()
    told = {name.lower() for name in re.findall(r"REQTRAIL_([A-Z_]+[A-Z])", text)}
    return sorted((told - INTERNAL_SETTINGS) ^ Settings.model_fields.keys())
