"""Proofs and exported baselines: the stand-alone verifier accepts what is honest and finds every changed byte."""

from __future__ import annotations

import ast
import io
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from reqtrail.features.versioning.errors import EntityNotFound
from reqtrail.features.versioning.public import Snapshot, all_kinds
from reqtrail.features.versioning.sealing import (
    SealBroken,
    export_pieces,
    proof,
    proof_file,
    run_pending_seals,
)
from reqtrail.kit.ids import new_id
from tests.factories.engine import Bench, BenchProject
from tests.features.versioning.sealing.sealed import (
    ODD_TEXT,
    VERIFIER,
    baseline,
    exported,
    load_verifier,
    populated,
    sealed,
    some_ids,
    state,
)

pytestmark = pytest.mark.anyio
verifier = load_verifier()


async def _baseline(bench: Bench) -> tuple[BenchProject, Snapshot]:
    project = await populated(bench)
    snapshot = await baseline(project, "Release “1.0”")
    await run_pending_seals(project.database)
    return project, snapshot


async def _one_proof(project: BenchProject, snapshot: Snapshot, kind: str) -> bytes:
    entity_id = (await some_ids(project, kind, snapshot))[0]
    async with project.database.read_session() as session:
        return proof_file(await proof(session, snapshot, kind, entity_id))


def _refused(data: bytes) -> str | None:
    """Return what the verifier says of *data*, or None if it accepts it."""
    try:
        verifier.verify(io.BytesIO(data))
    except verifier.Disagrees as error:
        return str(error)
    return None


def _run(path: Path, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, "-I", str(VERIFIER), str(path), *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_verifier_needs_nothing_but_python() -> None:
    names = {
        name.name.partition(".")[0]
        for node in ast.walk(ast.parse(VERIFIER.read_text()))
        if isinstance(node, ast.Import)
        for name in node.names
    }
    assert names == {"argparse", "hashlib", "json", "sys", "uuid"}
    assert names <= sys.stdlib_module_names
    assert "ImportFrom" not in ast.dump(ast.parse(VERIFIER.read_text()))


async def test_an_honest_file_passes(bench: Bench, tmp_path: Path) -> None:
    """The file is plain JSON, holds everything visible, and the verifier says so, whole and for one key."""
    project, snapshot = await _baseline(bench)
    data = await exported(project, snapshot)
    seal = await state(project, snapshot)
    assert seal.root is not None
    content = json.loads(data)
    entities = [entity for bucket in content["buckets"] for entity in bucket["entities"]]
    assert len(entities) == seal.leaf_count == content["leaves"]
    assert {entity["kind"] for entity in entities} == {kind.name for kind in all_kinds()}
    (tmp_path / "baseline.json").write_bytes(data)
    code, said = _run(tmp_path / "baseline.json")
    assert (code, said.splitlines()[-1]) == (0, f"OK: {len(entities)} of {len(entities)}.")
    assert "Baseline: Release “1.0”" in said and f"Root: {seal.root.hex()}" in said
    key = f"{project.key}-1"
    code, said = _run(tmp_path / "baseline.json", "--only", key)
    assert code == 0 and said.endswith(f"is 1 of {len(entities)}.\n")
    printed = json.loads(said[said.index("\n{") : said.rindex("}") + 1])
    assert printed["key"] == key and printed["content"]["attributes"]["a"] == ODD_TEXT


async def test_one_proof_passes_alone(bench: Bench, tmp_path: Path) -> None:
    """A file that holds one entity of whatever kind proves that one, and says out of how many."""
    project, snapshot = await _baseline(bench)
    total = (await state(project, snapshot)).leaf_count
    for kind in all_kinds():
        data = await _one_proof(project, snapshot, kind.name)
        assert _refused(data) is None
    (tmp_path / "proof.json").write_bytes(data)
    code, said = _run(tmp_path / "proof.json")
    assert (code, said.splitlines()[-1]) == (0, f"OK: 1 of {total}.")


async def test_exit_codes_and_what_must_be_known_from_elsewhere(
    bench: Bench, tmp_path: Path
) -> None:
    project, snapshot = await _baseline(bench)
    path = tmp_path / "baseline.json"
    path.write_bytes(await exported(project, snapshot))
    root = (await state(project, snapshot)).root
    assert root is not None
    commit = snapshot.commit_hash.hex()
    assert _run(path, "--root", root.hex(), "--commit", commit)[0] == 0
    assert _run(path, "--root", commit) == (1, f"DISAGREES: The root is not {commit}.\n")
    assert _run(path, "--commit", root.hex())[0] == 1
    assert _run(path, "--only", "NONE-1")[0] == 2
    assert _run(tmp_path / "nowhere.json")[0] == 2
    path.write_bytes(path.read_bytes()[:-1])
    assert _run(path) == (1, "DISAGREES: The file does not go on as it must.\n")


async def test_every_changed_byte_is_found(bench: Bench) -> None:
    """200 seeded changes of one byte of a whole file, and 200 of a single proof, whatever the byte belongs to."""
    project, snapshot = await _baseline(bench)
    for seed, data in enumerate(
        [await exported(project, snapshot), await _one_proof(project, snapshot, "item")]
    ):
        assert _refused(data) is None
        chance = random.Random(seed)
        for _ in range(200):
            place = chance.randrange(len(data))
            other = chance.choice([byte for byte in range(256) if byte != data[place]])
            changed = data[:place] + bytes([other]) + data[place + 1 :]
            assert _refused(changed), (place, data[place - 20 : place + 20], other)
        for place in chance.sample(range(len(data)), 50):
            letter = data[place : place + 1]
            if letter.swapcase() != letter:
                assert _refused(data[:place] + letter.swapcase() + data[place + 1 :])
            assert _refused(data[:place] + data[place + 1 :])
            assert _refused(data[:place] + b" " + data[place:])


Edit = Callable[[dict[str, Any]], object]


def _item(content: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = next(
        entity
        for bucket in content["buckets"]
        for entity in bucket["entities"]
        if entity["kind"] == "item"
    )
    return found


def _written(content: dict[str, Any]) -> bytes:
    """Write *content* as Reqtrail does, so that only what it says can be wrong."""
    head = verifier.dump({**content, "buckets": []})[:-2]
    return b"%b\n%b\n]}\n" % (head, b",\n".join(map(verifier.dump, content["buckets"])))


EDITS: list[tuple[Edit, str]] = [
    (lambda file: _item(file).update(form="{}"), "its content does not have its hash"),
    (lambda file: _item(file).update(salt=None), "only half of it is there"),
    (lambda file: _item(file).update(kind="link"), "its content is that of something else"),
    (lambda file: _item(file).update(content_hash="00" * 32), "its content does not have"),
    (lambda file: _item(file).update(path=[{"up": "00" * 32}]), "a step that is none"),
    (lambda file: _item(file).update(id=str(new_id())), "not in bucket"),
    (lambda file: _item(file).update(more=1), "does not have the members"),
    (lambda file: file["buckets"].pop(3), "Entities are missing"),
    (lambda file: file["buckets"].insert(0, file["buckets"][3]), "is not in its place"),
    (lambda file: file["buckets"][0].update(entities=[]), "is empty"),
    (lambda file: file["buckets"][0].update(root="00" * 32), "is not in the tree"),
    (lambda file: file.update(leaves=file["leaves"] + 1), "The root is not that of"),
    (lambda file: file.update(tree=file["root"]), "The root is not that of"),
    (lambda file: file["commit"].update(hash="00" * 32), "The commit does not have its hash"),
    (lambda file: file["baselines"][0].update(form="{}"), "of a baseline does not have"),
    (lambda file: file["baselines"].append(file["commit"]), "names something else"),
    (lambda file: file.update(version=2), "no baseline of version 1"),
    (lambda file: file.update(holds="most"), "neither all nor a part"),
    (lambda file: file.update(leaves=True), "does not have the members"),
]


async def test_what_disagrees_is_named(bench: Bench) -> None:
    """Edits that keep the file's form are refused for what they change."""
    project, snapshot = await _baseline(bench)
    data = await exported(project, snapshot)
    assert _written(json.loads(data)) == data
    for number, (edit, said) in enumerate(EDITS):
        content = json.loads(data)
        edit(content)
        assert said in str(_refused(_written(content))), number


async def test_an_entity_left_out_of_its_bucket_is_missed(bench: Bench) -> None:
    """Of a bucket with several entities each keeps its proof; that one is gone shows all the same."""
    project = await populated(bench, items=400)
    snapshot = await project.at()
    await sealed(project, snapshot)
    content = json.loads(await exported(project, snapshot))
    bucket = next(bucket for bucket in content["buckets"] if len(bucket["entities"]) > 1)
    bucket["entities"].pop()
    assert str(_refused(_written(content))).endswith("does not hold all that was sealed")


async def test_redacted_content_keeps_its_place(bench: Bench, tmp_path: Path) -> None:
    """Where content and salt were removed for good the leaf stays: the rest is proven, and that is said."""
    project, snapshot = await _baseline(bench)
    item = (await some_ids(project, "item", snapshot))[1]
    await project.edit_item(item, {"a": "since then"})
    await project.redact(item)
    path = tmp_path / "baseline.json"
    path.write_bytes(await exported(project, snapshot))
    code, said = _run(path)
    total = (await state(project, snapshot)).leaf_count
    assert code == 0 and f"Redacted: item {item}\nOK: {total} of {total}." in said
    code, said = _run(path, "--only", str(item))
    assert code == 0 and f"Redacted: item {item}" in said


async def test_a_proof_is_of_something_visible(bench: Bench) -> None:
    """What was deleted, never was, or is of another kind has none."""
    project, snapshot = await _baseline(bench)
    ids = await some_ids(project, "item", snapshot)
    (removed,) = set(await some_ids(project, "item", await project.at(3))) - set(ids)
    async with project.database.read_session() as session:
        for kind, entity_id in (("item", removed), ("item", new_id()), ("link", ids[0])):
            with pytest.raises(EntityNotFound):
                await proof(session, snapshot, kind, entity_id)


FORGERIES = [
    ("UPDATE items SET attributes = '{}' WHERE project_id = :p", "does not match its hash"),
    (
        "UPDATE items SET salt = NULL, content_hash = sha256(content_hash)"
        " WHERE project_id = :p",
        "no redaction took it away",
    ),
    (
        "UPDATE items SET salt = NULL, attributes = '{}' WHERE project_id = :p",
        "no redaction took it away",
    ),
    ("UPDATE items SET deleted = true WHERE project_id = :p", "is not what was sealed"),
    ("DELETE FROM seal_buckets WHERE project_id = :p", "is not what it was"),
    ("UPDATE commits SET message = 'x' WHERE project_id = :p", "is not what its hash says"),
    ("UPDATE seals SET commit_hash = tree WHERE project_id = :p", "is not the commit that"),
]


async def test_no_proof_is_given_of_what_disagrees(bench: Bench) -> None:
    """The server refuses, rather than writing a file that cannot be verified."""
    project, snapshot = await _baseline(bench)
    item = (await some_ids(project, "item", snapshot))[0]
    for statement, said in FORGERIES:
        async with project.owner.session() as session, session.begin_nested() as undone:
            await session.execute(text(statement), {"p": project.project_id})
            with pytest.raises(SealBroken, match=said):
                await proof(session, snapshot, "item", item)
            with pytest.raises(SealBroken):
                async for _ in export_pieces(session, snapshot):
                    pass
            await undone.rollback()
