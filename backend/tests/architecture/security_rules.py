"""The rules that keep doors shut, as functions that name what breaks them. Each takes the root of a clone."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from pathlib import Path

FOLDERS = ("backend/src", "backend/migrations", "benchmarks", "scripts")
RAW_HTML = "frontend/src/shared/ui/SafeHtml.vue"
"""The one place that shows HTML. It sanitises it."""

STATEMENTS = {"text", "literal_column", "exec_driver_sql", "DDL", "TextClause"}
EXECUTED = {
    "execute",
    "executemany",
    "fetch",
    "fetchrow",
    "fetchval",
    "scalar",
    "scalars",
    "stream",
}
SQL = re.compile(
    r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|ALTER|DROP|WITH|ANALYZE|VACUUM|SET|GRANT|REVOKE|COPY"
    r"|LOCK|TRUNCATE|EXPLAIN)\s",
    re.IGNORECASE,
)
MADE_SQL = {
    "backend/src/reqtrail/platform/database/partitions.py": "names of partitions, made from years",
    "backend/src/reqtrail/platform/database/walls.py": "tables and conditions that the metadata declares",
    "backend/src/reqtrail/platform/database/policy_texts.py": "tables and conditions that the metadata declares",
    "backend/src/reqtrail/platform/database/scope.py": "settings, which are constants of the module",
    "backend/src/reqtrail/platform/database/copying.py": "names of tables and columns",
    "backend/src/reqtrail/features/versioning/repository/writing.py": "names of tables and columns",
}
"""Files whose statements hold names that no parameter can stand for, each with where the names come from."""

UNSAFE_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "jsonpickle"}
UNSAFE_CALLS = {
    *("eval", "exec", "compile", "os.system", "os.popen", "commands.getoutput", "pty.spawn"),
    *("yaml.load", "yaml.unsafe_load", "yaml.full_load", "tempfile.mktemp", "input"),
}
SHELLS = re.compile(r"(^|\.)(create_subprocess_shell|getoutput|getstatusoutput)$")
RAW_DOM = re.compile(
    r"\bv-html\b|\.(innerHTML|outerHTML)\s*=(?!=)|insertAdjacentHTML|document\.write|createContextualFragment"
    r"|\bsrcdoc\b|\beval\(|new Function\(|dangerouslySetInnerHTML|\bhref=\"javascript:|:innerHTML"
)


def _trees(root: Path, *folders: str) -> Iterator[tuple[str, ast.Module]]:
    for folder in folders:
        for path in sorted((root / folder).rglob("*.py")):
            yield path.relative_to(root).as_posix(), ast.parse(path.read_text())


def sql_from_strings(root: Path) -> list[str]:
    """Name the statements that are put together from text: values go in as parameters."""
    found = []
    for path, tree in _trees(root, "backend/src"):
        if path in MADE_SQL:
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and node.args:
                name = ast.unparse(node.func).rpartition(".")[2]
                made = _made_of_parts(node.args[0])
                if made and (name in STATEMENTS or (name in EXECUTED and SQL.match(made[0]))):
                    found.append(f"{path}:{node.lineno}: {ast.unparse(node.func)}")
            elif (text := _made_of_parts(node)) and _reads_as_sql(text):
                found.append(f"{path}:{getattr(node, 'lineno', 0)}: a statement made of parts")
    return sorted(set(found))


def _made_of_parts(node: ast.AST) -> list[str]:
    """Return the constant parts of a text that is put together with something else; nothing for other expressions."""
    if isinstance(node, ast.JoinedStr) and any(
        isinstance(part, ast.FormattedValue) for part in node.values
    ):
        return [str(part.value) for part in node.values if isinstance(part, ast.Constant)] or [""]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        constants = [
            part.value
            for part in ast.walk(node)
            if isinstance(part, ast.Constant) and isinstance(part.value, str)
        ]
        whole = all(isinstance(side, ast.Constant) for side in (node.left, node.right))
        return [] if whole else constants
    if (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr in {"format", "join", "replace"}
        and isinstance(node.func.value, ast.Constant)
        and isinstance(node.func.value.value, str)
    ):
        return [node.func.value.value]
    return []


def _reads_as_sql(parts: list[str]) -> bool:
    """Tell a statement from a sentence that begins like one: statements have their keywords in capitals."""
    return bool(SQL.match(parts[0])) and bool(
        re.search(r"\b(FROM|INTO|SET|TABLE|WHERE|VALUES|INDEX|ON)\b", " ".join(parts))
    )


def unsafe_code(root: Path) -> list[str]:
    """Name the imports and calls that turn data into code, or give it to a shell."""
    found = []
    for path, tree in _trees(root, *FOLDERS):
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                if any(name.split(".")[0] in UNSAFE_MODULES for name in names):
                    found.append(f"{path}:{node.lineno}: {ast.unparse(node)}")
            elif isinstance(node, ast.Call):
                name = ast.unparse(node.func)
                if name in UNSAFE_CALLS or SHELLS.search(name) or _uses_shell(node):
                    found.append(f"{path}:{node.lineno}: {name}")
    return found


def _uses_shell(node: ast.Call) -> bool:
    return any(
        keyword.arg == "shell"
        and not (isinstance(keyword.value, ast.Constant) and not keyword.value.value)
        for keyword in node.keywords
    )


def raw_html(root: Path) -> list[str]:
    """Name the places of the browser application, beside the one, that turn text into elements or code."""
    found = []
    for path in sorted((root / "frontend/src").rglob("*")):
        name = path.relative_to(root).as_posix()
        if path.suffix not in {".vue", ".ts"} or ".test." in name:
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            hit = RAW_DOM.search(line)
            if hit and "eslint" not in line and (name, hit[0]) != (RAW_HTML, "v-html"):
                found.append(f"{name}:{number}: {hit[0]}")
    return found


def inline_code(root: Path) -> list[str]:
    """Name the pages with a script, a style or a handler in them: the policy of pages would keep them from working."""
    found = []
    for path in (root / "frontend/index.html", root / "backend/src/reqtrail/api/docs_page.py"):
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if re.search(r"<script(?![^>]*\bsrc=)|<style|\son[a-z]+=\"|\sstyle=\"", line):
                found.append(f"{path.relative_to(root)}:{number}: {line.strip()}")
    return found


def stale_exceptions(root: Path) -> list[str]:
    """Name the exceptions of these rules that are none any more."""
    return [path for path in (*MADE_SQL, RAW_HTML) if not (root / path).is_file()]


RULES: tuple[Callable[[Path], list[str]], ...] = (
    sql_from_strings,
    unsafe_code,
    raw_html,
    inline_code,
    stale_exceptions,
)
