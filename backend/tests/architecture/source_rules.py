"""The rules for source files, as functions that name what breaks them. Each takes the root of a clone."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
PYTHON_FOLDERS = ("backend/src", "backend/tests", "benchmarks")
BROWSER_FOLDERS = ("frontend/src", "frontend/e2e", "frontend/tests", "frontend/scripts")
BROWSER_SUFFIXES = {".ts", ".vue", ".mjs"}
GENERATED = {"frontend/src/api/schema.d.ts"}

BACKEND_ONLY = {
    "files": "pictures and attachments are shown where they are used",
    "traceability": "links are shown and made beside the item",
}
"""Features of the backend without a folder in the browser application, each with the reason."""

BROWSER_ONLY = {
    "item": "the page of one item puts together requirements, traceability and versioning",
    "schema": "the screen for types and attributes, which the feature requirements owns",
}
"""Folders of the browser application without a feature of the backend, each with the reason."""

FRONT_DOORS = {
    "reqtrail.api.router": {"endpoints"},
    "reqtrail.bootstrap.metadata": {"tables", "sealing", "signing", "factors", "single_sign_on"},
}
"""The modules that list a part of every feature: routes to serve, tables to migrate."""

LAZY = {
    ("reqtrail.entrypoints.cli.instance", "reqtrail.entrypoints.embedded.errors"),
    ("reqtrail.entrypoints.cli.instance", "reqtrail.entrypoints.embedded.supervisor"),
    ("reqtrail.entrypoints.cli.accounts", "reqtrail.entrypoints.cli"),
    ("reqtrail.entrypoints.cli.doctor", "reqtrail.entrypoints.doctor"),
    ("reqtrail.entrypoints.cli.keys", "reqtrail.entrypoints.cli"),
    ("reqtrail.entrypoints.telemetry", "reqtrail.platform.telemetry.exporting"),
    ("reqtrail.entrypoints.telemetry", "reqtrail.platform.telemetry.reporting"),
}
"""Imports inside functions, so that nobody waits for them in vain: one command of the command line loads the server,
and who switches telemetry on the libraries that send them."""

CLOCKS = re.compile(r"(datetime\.(now|utcnow|today)|date\.today|(?<!\w)time\.time|uuid[1-8])$")


def python_files(root: Path) -> Iterator[Path]:
    """Yield the Python files that people write; migrations are generated and never edited."""
    for folder in PYTHON_FOLDERS:
        yield from sorted((root / folder).rglob("*.py"))


def _browser_files(root: Path) -> Iterator[Path]:
    for folder in BROWSER_FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in BROWSER_SUFFIXES and str(path.relative_to(root)) not in GENERATED:
                yield path


def _trees(root: Path, folder: str) -> Iterator[tuple[Path, str, ast.Module]]:
    """Yield path, module name and syntax tree of each file of the package below *folder*."""
    for path in sorted((root / folder).rglob("*.py")):
        parts = path.relative_to(root / folder).with_suffix("").parts
        name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
        yield path.relative_to(root), name, ast.parse(path.read_text())


def long_files(root: Path) -> list[str]:
    """Name the files of more than MAX_FILE_LINES lines."""
    found = []
    for path in (*python_files(root), *_browser_files(root)):
        lines = len(path.read_text().splitlines())
        if lines > MAX_FILE_LINES:
            found.append(f"{path.relative_to(root)}: {lines} lines")
    return found


def long_functions(root: Path) -> list[str]:
    """Name the functions of more than MAX_FUNCTION_LINES lines, decorators left out."""
    found = []
    for path in python_files(root):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                if lines > MAX_FUNCTION_LINES:
                    found.append(f"{path.relative_to(root)}: {node.name} has {lines} lines")
    return found


def commits_outside_platform(root: Path) -> list[str]:
    """Name the calls that end a transaction (``.commit()``, ``.rollback()``) outside platform."""
    found = []
    for path, module, tree in _trees(root, "backend/src"):
        if module.startswith("reqtrail.platform."):
            continue
        for node in ast.walk(tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in {"commit", "rollback"}
                # versioning.commit(session, …) has arguments; a session's commit has none.
                and not (node.args or node.keywords)
            ):
                found.append(f"{path}:{node.lineno}: {ast.unparse(node)}")
    return found


def side_doors(root: Path) -> list[str]:
    """Name the imports of another feature that do not go through its ``public.py``."""
    found = []
    for path, module, tree in _trees(root, "backend/src"):
        for line, name in _imported(tree, module):
            parts = name.split(".")
            if parts[:2] != ["reqtrail", "features"] or len(parts) < 4:
                continue
            if module.startswith(f"reqtrail.features.{parts[2]}.") or parts[3] == "public":
                continue
            if parts[3] not in FRONT_DOORS.get(module, set()):
                found.append(f"{path}:{line}: imports {name}")
    return sorted(set(found))


def _imported(tree: ast.Module, module: str) -> Iterator[tuple[int, str]]:
    """Yield line and full name of what *tree* imports, relative imports resolved."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parents = module.split(".")[: -node.level]
                base = ".".join([*parents, *([node.module] if node.module else [])])
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def hidden_imports(root: Path) -> list[str]:
    """Name the imports inside functions, which hide cycles from the contracts' readers."""
    found = []
    for path, module, tree in _trees(root, "backend/src"):
        for function in ast.walk(tree):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.ImportFrom) and (module, node.module) in LAZY:
                        continue
                    if isinstance(node, ast.Import | ast.ImportFrom):
                        found.append(f"{path}:{node.lineno}: {ast.unparse(node)}")
    return sorted(set(found))


def clocks_and_ids(root: Path) -> list[str]:
    """Name the calls that read the wall clock or make an id outside kit."""
    found = []
    for path, module, tree in _trees(root, "backend/src"):
        if module.startswith("reqtrail.kit."):
            continue
        for node in ast.walk(tree):
            # uuid5 is not random: it derives an id from a name.
            if isinstance(node, ast.Call) and CLOCKS.search(name := ast.unparse(node.func)):
                if not name.endswith("uuid5"):
                    found.append(f"{path}:{node.lineno}: {name}()")
    return found


def unequal_features(root: Path) -> list[str]:
    """Name the features that one half has and the other lacks, and exceptions that are none any more."""
    backend = _folders(root / "backend/src/reqtrail/features")
    browser = _folders(root / "frontend/src/features")
    found = [f"only in the backend: {name}" for name in backend - browser - BACKEND_ONLY.keys()]
    found += [f"only in the browser: {name}" for name in browser - backend - BROWSER_ONLY.keys()]
    found += [f"no exception any more: {name}" for name in BACKEND_ONLY.keys() & browser]
    found += [f"no exception any more: {name}" for name in BROWSER_ONLY.keys() & backend]
    return sorted(found)


def _folders(parent: Path) -> set[str]:
    # A folder that holds nothing but a cache is left over from another branch.
    return {
        path.name
        for path in parent.iterdir()
        if path.is_dir() and any(path.glob("*.*")) and not path.name.startswith("_")
    }


def uncontracted_features(root: Path) -> list[str]:
    """Name the features that the contract for the inside of a feature leaves out."""
    text = (root / "backend/.importlinter").read_text()
    section = text.partition("[importlinter:contract:inside]")[2].partition("layers =")[0]
    named = set(re.findall(r"reqtrail\.features\.(\w+)", section))
    return sorted(_folders(root / "backend/src/reqtrail/features") - named)


def addresses_in_locks(root: Path) -> list[str]:
    """Name the lines of lock files that hold an address: a lock must work with any registry."""
    found = []
    for path in (*sorted((root / "backend").glob("*.lock")), root / "frontend/package-lock.json"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if "--index-url" in line or re.search(
                r'"resolved"|(?<!")https?://\S+\.(tgz|whl|gz)', line
            ):
                found.append(f"{path.relative_to(root)}:{number}: {line.strip()}")
    return found
