"""Restores, authorship of words and change reports on the command line, against a real instance."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner, Result

from reqtrail.entrypoints.cli import app
from reqtrail.entrypoints.cli.output import Exit
from tests.fixtures.instance import Instance, running_instance

PROJECT = ("--project", "RQT")
ROOT = "/api/v1/projects/RQT"


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """One instance with the demo project for the tests of this module."""
    with running_instance(tmp_path_factory.mktemp("cli_versions") / "home") as running:
        yield running


@pytest.fixture
def local(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> Instance:
    """The environment of somebody who works beside the instance's home."""
    monkeypatch.setenv("REQTRAIL_HOME", str(instance.home))
    monkeypatch.delenv("REQTRAIL_URL", raising=False)
    monkeypatch.delenv("REQTRAIL_TOKEN", raising=False)
    return instance


def run(*arguments: str, code: int = 0) -> Result:
    """Run a command and check its exit code."""
    result = CliRunner().invoke(app, list(arguments))
    assert result.exit_code == code, f"{result.output}\n{result.stderr}\n{result.exception!r}"
    return result


def run_json(*arguments: str, code: int = 0) -> Any:
    """Run a command with --json and return what it printed."""
    return json.loads(run(*arguments, "--json", code=code).stdout)


@pytest.mark.parametrize("command", ["restore", "blame", "redact"])
def test_help_has_an_example(command: str) -> None:
    text = " ".join(run(command, "--help").stdout.split())
    assert "Example" in text and f"reqtrail {command}" in text


class _Document:
    """A document of one chapter and an item below it, of the test's own."""

    def __init__(self, client: httpx.Client, title: str) -> None:
        self.client, self.title = client, title
        self.id = client.post(f"{ROOT}/documents", json={"title": title}).json()["id"]
        kinds = client.get(f"{ROOT}/schema").json()["types"]
        kind = next(kind for kind in kinds if kind["name"] == "Requirement")
        self.type_id = kind["id"]
        self.attributes = {item["name"]: item["id"] for item in kind["attributes"]}
        self.chapter = self.add("Chapter")
        self.item = self.add("Old words", parent_id=self.place(self.chapter))

    def add(self, title: str, **position: Any) -> dict[str, Any]:
        """Make an item."""
        answer = self.client.post(
            f"{ROOT}/items",
            json={
                "type_id": self.type_id,
                "attributes": {self.attributes["Title"]: title},
                "position": {"document_id": self.id, **position},
            },
        ).raise_for_status()
        return dict(answer.json()["item"])

    def place(self, item: dict[str, Any]) -> str:
        """Return where an item stands."""
        return str(item["placements"][0]["placement_id"])

    def rename(self, item: dict[str, Any], title: str, **more: Any) -> None:
        """Give an item another title."""
        body = {"attributes": {self.attributes["Title"]: title, **more}}
        self.client.patch(f"{ROOT}/items/{item['key']}", json=body).raise_for_status()

    def titles(self) -> list[str]:
        """Return the titles in reading order."""
        rows = self.client.get(f"{ROOT}/documents/{self.id}/outline").json()["rows"]
        return [row[6] for row in rows]

    def drop(self, item: dict[str, Any]) -> None:
        """Delete an item with all below it."""
        gone = {"op": "delete", "kind": "placement", "id": self.place(item), "items": True}
        self.client.post(f"{ROOT}/commits", json={"operations": [gone]}).raise_for_status()

    def head(self) -> str:
        """Return the newest version."""
        return str(self.client.get(f"{ROOT}/refs/resolve").json()["seq"])


def test_a_chapter_an_item_and_a_document_come_back(local: Instance) -> None:
    with local.client() as client:
        document = _Document(client, "Restored")
        then = document.head()
        document.rename(document.item, "New words")
        document.drop(document.chapter)
        chapter = ("restore", document.chapter["key"], "--subtree", "--at", then, *PROJECT)
        before = document.head()
        shown = run(*chapter, "--dry-run").stdout
        assert "+ item" in shown and "2 placements, 2 items; nothing was written" in shown
        foreseen = run_json(*chapter, "--dry-run")
        assert document.head() == before
        done = run_json(*chapter, "-m", "Because")
        assert {change["id"] for change in foreseen["changes"]} == {
            change["id"] for change in done["changes"]
        }
        assert document.titles() == ["Chapter", "Old words"]
        assert run_json("log", *PROJECT)["commits"][0]["message"] == "Because"
        document.rename(document.item, "New words")
        said = run("restore", document.item["key"], "--at", then, *PROJECT).stdout
        assert said.endswith(": 1 item.\n")
        document.drop(document.item)
        run("restore", "Restored", "--document", "--at", then, *PROJECT)
        assert document.titles() == ["Chapter", "Old words"]
    assert "nothing_to_restore" in run(*chapter, code=Exit.CONFLICT).stderr


def test_a_restore_names_what_it_cannot_find(local: Instance) -> None:
    with local.client() as client:
        document = _Document(client, "Twice")
        _Document(client, "Twice")
        again = {
            **{"op": "create", "kind": "placement", "fields": {"item_id": document.item["id"]}},
            "position": {"document_id": document.id},
        }
        client.post(f"{ROOT}/commits", json={"operations": [again]}).raise_for_status()
    key = document.item["key"]
    here = ("--at", "main", *PROJECT)
    assert "Several documents" in run("restore", "Twice", "--document", *here, code=4).stderr
    assert "No document" in run("restore", "Nowhere", "--document", *here, code=4).stderr
    assert "2 places" in run("restore", key, "--subtree", *here, code=Exit.USAGE).stderr
    within = ("--subtree", "--within", "Stakeholder needs")
    assert "no such document" in run("restore", key, *within, *here, code=4).stderr
    run("restore", "x", "--document", "--subtree", *here, code=Exit.USAGE)
    assert "ref_not_found" in run("restore", key, "--at", "nope", *PROJECT, code=4).stderr
    assert "not_in_version" in run("restore", key, "--at", "1", *PROJECT, code=4).stderr


def test_words_name_their_authors(local: Instance) -> None:
    with local.client() as client:
        document = _Document(client, "Blamed")
        first = document.head()
        document.rename(document.item, "Old words and newer ones")
        second = document.head()
        text = document.attributes["Text"]
        document.rename(document.item, "Old words and newer ones", **{text: "<p>a</p><p>b</p>"})
    key = document.item["key"]
    lines = run("blame", key, "--attribute", "Title", *PROJECT).stdout.splitlines()
    assert [(line.split()[0], line.split()[-1]) for line in lines] == [
        (first, "words"),
        (second, "ones"),
    ]
    assert run("blame", key, *PROJECT).stdout.split()[-2:] == ["a", "b"]
    assert "has no Text" in run("blame", key, "--at", first, *PROJECT).stdout
    spans = run_json("blame", key, "-a", "title", "--at", first, *PROJECT)["spans"]
    assert [span["text"] for span in spans] == ["Old words"]
    refused = run("blame", key, "-a", "Status", *PROJECT, code=Exit.REFUSED).stderr
    assert "attribute_not_text" in refused


def test_a_page_of_changes_is_written(local: Instance, tmp_path: Path) -> None:
    page = tmp_path / "changes.html"
    with local.client() as client:
        document = _Document(client, "<b>Reported</b>")
        then = document.head()
        document.rename(document.item, "Old <script>words</script>")
        document.drop(document.chapter)
    run("baseline", "create", "Reported 1", "--at", then, *PROJECT)
    run("diff", "4", "Reported 1", *PROJECT, "--html", "-o", str(page))
    text = page.read_text(encoding="utf-8")
    assert text.startswith("<!DOCTYPE html>") and "&lt;b&gt;Reported&lt;/b&gt;" in text
    assert "Reported 1" in text and document.item["key"] in text
    assert "<script" not in text
    assert not list(tmp_path.glob(".*"))
    for wrong in (["--html"], ["-o", str(page)], ["--html", "--json", "-o", str(page)]):
        assert "--html" in run("diff", "1", "main", *PROJECT, *wrong, code=Exit.USAGE).stderr
    nowhere = str(tmp_path / "no" / "x.html")
    assert (
        "cannot be written"
        in run("diff", "1", "2", *PROJECT, "--html", "-o", nowhere, code=6).stderr
    )


def test_a_secret_is_redacted(local: Instance, tmp_path: Path) -> None:
    """Asked for first; what is shown is refused, what is past goes, and verify, diff and show say so."""
    with local.client() as client:
        document = _Document(client, "Redacted")
        secret = document.add("Token hunter2")
        key, leaked = secret["key"], document.head()
        because = ("--reason", "A leaked token")
        shown = run("redact", key, "--version", leaked, *because, "--yes", *PROJECT, code=5)
        assert "revision_shown" in shown.stderr
        document.rename(secret, "Token removed")
    told = CliRunner().invoke(app, ["redact", key, *because, *PROJECT], input="n\n")
    assert told.exit_code == 1 and "for good?" in told.output
    answer = CliRunner().invoke(
        app, ["redact", key, "--holding", "-", *because, "--yes", *PROJECT], input="hunter2\n"
    )
    assert answer.exit_code == 0, answer.output
    assert f"redacted: version {leaked} of the item {secret['id']}" in answer.output
    assert f"redacted: version {leaked} of the item" in run("verify", *PROJECT).stdout
    changes = run("diff", leaked, "main", *PROJECT).stdout
    assert "before: redacted by version" in changes and "A leaked token" in changes
    assert "hunter2" not in changes
    page = tmp_path / "changes.html"
    run("diff", leaked, "main", "--html", "-o", str(page), *PROJECT)
    assert "before: redacted" in page.read_text() and "A leaked token" in page.read_text()
    again = run("redact", key, "--version", leaked, *because, "--yes", *PROJECT, code=5)
    assert "nothing_to_redact" in again.stderr
