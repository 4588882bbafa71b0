"""The rules that keep doors shut hold; each finds what is planted and lets pass what only looks like it."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.architecture import security_rules as rules

ROOT = Path(__file__).resolve().parents[3]
SOURCE = "backend/src/reqtrail/features/files/repository.py"
SCREEN = "frontend/src/features/item/ItemPage.vue"
Rule = Callable[[Path], list[str]]


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: rule.__name__)
def test_the_rule_holds(rule: Rule) -> None:
    assert rule(ROOT) == []


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone in miniature that keeps every rule."""
    for name in (*rules.MADE_SQL, "backend/src/reqtrail/api/docs_page.py"):
        _write(tmp_path, name, '"""Nothing."""\n')
    _write(tmp_path, rules.RAW_HTML, '<template><div v-html="safe" /></template>\n')
    _write(tmp_path, "frontend/index.html", '<script src="/theme.js"></script>\n')
    return tmp_path


def _write(root: Path, name: str, text: str) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


@pytest.mark.parametrize(
    ("rule", "file", "text"),
    [
        (rules.sql_from_strings, SOURCE, 'session.execute(text(f"SELECT * FROM {name}"))\n'),
        (rules.sql_from_strings, SOURCE, 'text("SELECT * FROM users WHERE name = \'" + n)\n'),
        (rules.sql_from_strings, SOURCE, 'text("SELECT * FROM %s" % name)\n'),
        (rules.sql_from_strings, SOURCE, 'text("SELECT * FROM {}".format(name))\n'),
        (rules.sql_from_strings, SOURCE, 'literal_column(f"{name}")\n'),
        (rules.sql_from_strings, SOURCE, 'connection.exec_driver_sql(f"SET x = {y}")\n'),
        (rules.sql_from_strings, SOURCE, 'query = f"DELETE FROM items WHERE id = {one}"\n'),
        (rules.sql_from_strings, SOURCE, 'q = "SELECT * FROM items WHERE " + " AND ".join(p)\n'),
        (rules.sql_from_strings, SOURCE, 'connection.fetch(f"select a from b where c = {d}")\n'),
        (rules.unsafe_code, SOURCE, "import pickle\n"),
        (rules.unsafe_code, SOURCE, "from marshal import loads\n"),
        (rules.unsafe_code, SOURCE, "yaml.load(text)\n"),
        (rules.unsafe_code, SOURCE, "value = eval(text)\n"),
        (rules.unsafe_code, SOURCE, "exec(text)\n"),
        (rules.unsafe_code, SOURCE, "subprocess.run(command, shell=True)\n"),
        (rules.unsafe_code, SOURCE, "subprocess.run(command, shell=wanted)\n"),
        (rules.unsafe_code, SOURCE, "asyncio.create_subprocess_shell(command)\n"),
        (rules.unsafe_code, "scripts/x.py", "os.system(command)\n"),
        (rules.raw_html, SCREEN, '<div v-html="text" />\n'),
        (rules.raw_html, "frontend/src/app/x.ts", "element.innerHTML = text\n"),
        (rules.raw_html, "frontend/src/app/x.ts", "element.insertAdjacentHTML('x', text)\n"),
        (rules.raw_html, "frontend/src/app/x.ts", "new Function('a', text)\n"),
        (rules.raw_html, rules.RAW_HTML, "element.innerHTML = safe\n"),
        (rules.inline_code, "frontend/index.html", "<script>start()</script>\n"),
        (rules.inline_code, "frontend/index.html", '<body onload="start()">\n'),
        (rules.inline_code, "backend/src/reqtrail/api/docs_page.py", "<style>a {}</style>\n"),
    ],
)
def test_a_planted_violation_is_found(clone: Path, rule: Rule, file: str, text: str) -> None:
    assert rule(clone) == []
    _write(clone, file, text)
    found = rule(clone)
    assert len(found) >= 1 and all(finding.startswith(file) for finding in found)


@pytest.mark.parametrize(
    ("file", "text"),
    [
        (SOURCE, 'session.execute(text("SELECT * FROM items WHERE id = :id"), {"id": one})\n'),
        (SOURCE, "session.execute(select(items).where(items.c.id == one))\n"),
        (SOURCE, 'message = f"Select {name} from the list"\n'),
        (SOURCE, 'detail = f"Update {name}: it is on the list."\n'),
        (SOURCE, 'text("SELECT a" " FROM b")\n'),
        (SOURCE, "yaml.safe_load(text)\n"),
        (SOURCE, "re.compile(pattern)\n"),
        (SOURCE, "subprocess.run([program, argument], shell=False)\n"),
        (SOURCE, "literal_eval(text)\n"),
        (SCREEN, "<p>{{ text }}</p>\n"),
        ("frontend/src/app/x.ts", "if (a.outerHTML === b.outerHTML) return page.body.innerHTML\n"),
        ("frontend/src/app/x.test.ts", "element.innerHTML = sample\n"),
        ("frontend/index.html", '<script type="module" src="/src/main.ts"></script>\n'),
    ],
)
def test_what_only_looks_like_it_passes(clone: Path, file: str, text: str) -> None:
    _write(clone, file, text)
    assert [finding for rule in rules.RULES for finding in rule(clone)] == []


def _run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_bandit_finds_what_is_planted(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("import hashlib\nhashlib.md5(b'password').hexdigest()\n")
    found = _run(ROOT / ".venv/bin/bandit", "-q", "-ll", "-r", tmp_path)
    assert found.returncode == 1 and "B324" in found.stdout


def test_a_planted_secret_is_found(tmp_path: Path) -> None:
    assert shutil.which("bash") is not None
    planted, clean = tmp_path / "deploy.py", tmp_path / "clean.py"
    key = "AKIA" + "IOSFODNN7" + "EXAMPLQ"  # put together, so that this file holds no key itself
    planted.write_text(f'access = "{key}"\n')
    clean.write_text("access = settings.access_key\n")
    script = ROOT / "scripts/check_secrets.sh"
    assert _run(script, planted).returncode == 1
    assert _run(script, clean).returncode == 0
