"""Mutation testing of what must not be wrong: merging, ranks, trees, hashes, and the services of the versions.

mutmut makes the mutants and runs, for each of them, the tests that reach it. It works on a copy in ``.mutation/``, so
the sources may be edited meanwhile. Verdicts are kept there: a run that was interrupted goes on; after a change only
changed functions are tried again, and after new tests only what survived.

Modules without a database are tested by tests without one: quick, and stricter than letting the whole engine run.
The services are tested by the engine's tests and a few histories of the model on a real database.

What an error says is not mutated: ``raise`` statements are left out, their conditions are not. Assertions are left out
whole: they are no behaviour.
"""

from __future__ import annotations

import argparse
import filecmp
import importlib
import json
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BACKEND = ROOT / "backend"
PLACE = ROOT / ".mutation"
BAR = 85.0
COPIED = ("src", "tests", "migrations", "pyproject.toml", "setup.py", "requirements.in")
SURVIVED, NO_TEST = 0, 33
KILLED = {1, 3}
OUT_OF_TIME = {-24, 24, 36, 152, 255}
"""A mutant that runs for ever, or for much longer than its tests take, was noticed too."""

VERSIONING = "src/reqtrail/features/versioning"
KIT = "src/reqtrail/kit"
COMMON_ARGUMENTS = ["--hypothesis-profile=ci", "-m", "not long", "-p", "no:cacheprovider"]


@dataclass(frozen=True)
class Group:
    """Modules that are mutated together, and the tests that have to notice.

    Attributes:
        constant: Seconds that a run of the tests may take beyond its own time.
        factor: How much longer than unmutated the tests may take.
    """

    name: str
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    arguments: tuple[str, ...] = ()
    database: bool = False
    constant: float = 1.0
    factor: float = 10.0

    @property
    def folder(self) -> Path:
        """Where its copy and verdicts are."""
        return PLACE / self.name

    def files(self) -> list[str]:
        """Return its modules, by their paths in the copy."""
        found = {
            path.relative_to(BACKEND).as_posix()
            for pattern in self.modules
            for path in BACKEND.glob(pattern)
        }
        return sorted(found)


PURE = Group(
    "pure",
    (
        f"{KIT}/rank.py",
        f"{KIT}/merkle.py",
        f"{KIT}/canonical_json.py",
        f"{KIT}/text_merge.py",
        f"{KIT}/rich_merge.py",
        f"{VERSIONING}/hashing.py",
        f"{VERSIONING}/merge.py",
        f"{VERSIONING}/service/three_way.py",
    ),
    ("tests/kit", "tests/features/versioning/pure"),
)
ENGINE = Group(
    "engine",
    (f"{VERSIONING}/service/[!_t]*.py",),
    (
        "tests/features/versioning",
        "tests/features/access/test_restrictions.py",
        "tests/features/requirements",
        "tests/model/test_engine_machine.py",
    ),
    ("-k", "not planted_fault"),
    database=True,
    constant=10.0,
    factor=3.0,
)
GROUPS = {group.name: group for group in (PURE, ENGINE)}


def main() -> int:
    """Run what was asked for; return 1 if too few mutants are killed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("groups", nargs="*", default=list(GROUPS), help="pure, engine")
    parser.add_argument(
        "--mutants", type=int, help="at most so many of each group, drawn at random"
    )
    parser.add_argument("--seed", type=int, default=0, help="another seed draws others")
    parser.add_argument("--report", action="store_true", help="run nothing, show what is known")
    asked = parser.parse_args()
    chosen = [GROUPS[name] for name in asked.groups]
    shares = []
    for group in chosen:
        if not asked.report:
            prepare(group)
        names = draw(verdicts(group), asked.mutants, asked.seed)
        if not asked.report:
            run(group, names)
        shares.append(report(group, names))
    known = [share for share in shares if share is not None]
    return int(len(known) < len(shares) or min(known, default=0.0) < BAR)


def prepare(group: Group) -> None:
    """Bring the copy up to date, forget what changes made uncertain, and make the mutants."""
    changed = set(_synchronise(group))
    (group.folder / "pyproject.toml").write_text(_configuration(group))
    # The mutants look for what lies beside them where a clone has it.
    shutil.copytree(ROOT / "examples", group.folder / "examples", dirs_exist_ok=True)
    if not (group.folder / "backend").is_symlink():
        (group.folder / "backend").symlink_to("mutants")
    if any(name.startswith("tests/") for name in changed):
        (group.folder / "mutants" / "mutmut-stats.json").unlink(missing_ok=True)
        _forget(group, lambda code: code not in KILLED)
    for name in changed - set(group.files()):
        copy = group.folder / "mutants" / name
        if copy.is_file():
            copy.unlink()
    _call(
        group,
        "import mutmut.__main__ as m; m.copy_src_dir(); m.copy_also_copy_files();"
        " m.setup_source_paths(); m.create_mutants(1)",
    )


def _synchronise(group: Group) -> Iterator[str]:
    """Make the copy equal to the clone; yield the paths of the files that were not."""
    wanted: dict[str, Path] = {}
    for name in COPIED:
        source = BACKEND / name
        files = [source] if source.is_file() else source.rglob("*")
        for path in files:
            if path.is_file() and "__pycache__" not in path.parts:
                wanted[path.relative_to(BACKEND).as_posix()] = path
    for name, source in wanted.items():
        target = group.folder / name
        if name == "pyproject.toml":
            continue
        if not target.exists() or not filecmp.cmp(source, target, shallow=False):
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
            yield name
    for top in COPIED:
        for path in list((group.folder / top).rglob("*.py")):
            name = path.relative_to(group.folder).as_posix()
            if name not in wanted:
                path.unlink()
                (group.folder / "mutants" / name).unlink(missing_ok=True)
                yield name


def _configuration(group: Group) -> str:
    settings = {
        "source_paths": ["src"],
        "only_mutate": group.files(),
        "also_copy": ["migrations", "setup.py", "requirements.in"],
        "pytest_add_cli_args_test_selection": list(group.tests),
        "pytest_add_cli_args": [*COMMON_ARGUMENTS, *group.arguments],
        "do_not_mutate_patterns": [r"^\s*raise ", r"^\s*assert "],
        # The process that forks must not hold connections, so it runs no test itself.
        "process_isolation": "forkserver",
        "timeout_constant": group.constant,
        "timeout_multiplier": group.factor,
    }
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    return "\n".join([(BACKEND / "pyproject.toml").read_text(), "[tool.mutmut]", *lines, ""])


def verdicts(group: Group) -> dict[str, int | None]:
    """Return what became of each mutant: pytest's exit code, None if it was not tried."""
    return {
        name: code for _, known in _metas(group) for name, code in known["exit_code_by_key"].items()
    }


def _metas(group: Group) -> Iterator[tuple[Path, dict[str, dict[str, int | None]]]]:
    for name in group.files():
        path = group.folder / "mutants" / f"{name}.meta"
        if path.exists():
            yield path, json.loads(path.read_text())


def _forget(group: Group, doubtful: Callable[[int | None], bool]) -> None:
    for path, known in _metas(group):
        codes = known["exit_code_by_key"]
        codes.update({name: None for name, code in codes.items() if doubtful(code)})
        path.write_text(json.dumps(known, indent=4))


def draw(known: dict[str, int | None], wanted: int | None, seed: int) -> list[str]:
    """Return the mutants to look at: all of them, or a sample that a seed repeats."""
    names = sorted(known)
    if wanted is None or wanted >= len(names):
        return names
    return sorted(random.Random(seed).sample(names, wanted))


def run(group: Group, names: list[str]) -> None:
    """Try those of *names* that were not tried yet."""
    known = verdicts(group)
    left = [name for name in names if known[name] is None]
    print(
        f"\n{group.name}: {len(names)} of {len(known)} mutants, {len(left)} to be tried", flush=True
    )
    if left:
        with ExitStack() as stack:
            if group.database:
                stack.enter_context(_engines())
            # mutmut tries again whatever is named, so nothing is named where all is wanted.
            named = left if len(names) < len(known) else []
            subprocess.run(
                [Path(sys.executable).parent / "mutmut", "run", "--max-children", "1", *named],
                cwd=group.folder,
                env={**os.environ, "REQTRAIL_MACHINE_EXAMPLES": "12"},
                check=True,
            )


@contextmanager
def _engines() -> Iterator[None]:
    """Keep one PostgreSQL and one Valkey for all mutants; each gets a fresh database of it."""
    os.environ["PYTEST_XDIST_TESTRUNUID"] = "mutation"
    sys.path[:0] = [str(BACKEND), str(BACKEND / "src")]
    module = importlib.import_module("tests.fixtures.engines")
    os.environ["REQTRAIL_RUNTIME_DIR"] = str(module.run_folder() / "runtime")
    engines = module.Engines(module.run_folder())
    engines.start()
    try:
        yield
    finally:
        engines.leave()


def report(group: Group, names: list[str]) -> float | None:
    """Print the share of killed mutants by module, and write down those that were not; return the share."""
    known = verdicts(group)
    tried = [name for name in names if known[name] is not None]
    by_module: dict[str, list[str]] = {}
    for name in tried:
        by_module.setdefault(name.rpartition(".")[0], []).append(name)
    print(f"\n{'killed':>7} {'of':>5}  {'%':>5}")
    for module, members in sorted(by_module.items()):
        _line(module, members, known)
    kind = "all" if len(names) == len(known) else f"a sample of {len(names)} of {len(known)}"
    share = _line(f"{group.name}: {kind}, {len(names) - len(tried)} not tried", tried, known)
    survivors = [name for name in tried if not _is_killed(known[name])]
    path = PLACE / f"survivors-{group.name}.diff"
    path.write_text(_differences(group, survivors))
    for name in survivors:
        print(f"  survived{' (no test reaches it)' * (known[name] == NO_TEST)}: {name}")
    print(f"Survivors with their differences: {path.relative_to(ROOT)}; the bar is {BAR:g} %.")
    return share


def _line(title: str, names: list[str], known: dict[str, int | None]) -> float | None:
    killed = sum(_is_killed(known[name]) for name in names)
    share = 100 * killed / len(names) if names else None
    print(f"{killed:7} {len(names):5}  {'' if share is None else f'{share:5.1f}'}  {title}")
    return share


def _is_killed(code: int | None) -> bool:
    return code in KILLED or code in OUT_OF_TIME


def _differences(group: Group, names: list[str]) -> str:
    if not names:
        return ""
    return _call(
        group,
        "import sys; from mutmut.mutation.diff_apply import get_diff_for_mutant\n"
        "for name in sys.stdin.read().split(): print(name); print(get_diff_for_mutant(name))",
        "\n".join(names),
    )


def _call(group: Group, code: str, text: str = "") -> str:
    """Run Python that uses mutmut, which reads its configuration from the folder in which it is imported."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=group.folder,
        input=text,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
