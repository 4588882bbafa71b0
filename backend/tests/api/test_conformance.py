"""What the API does is what its OpenAPI document says, for requests that schemathesis makes up from the document."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any, Final
from uuid import UUID, uuid4

import pytest
import uvicorn
from fastapi import FastAPI

from reqtrail.api import openapi
from reqtrail.entrypoints.protocol import GuardedProtocol
from tests.api import conformance_hooks
from tests.api.two_projects import EXAMPLES, Content, filled, make_content
from tests.fixtures.api import PASSWORD, World
from tests.fixtures.instance import free_port

pytestmark = pytest.mark.anyio

SEED: Final = 1
RANDOM: Final = 3
WALKS: Final = 8
"""Requests of one operation that are made up at random, and walks from answer to request. Those at the bounds of the
schemas come to it."""
LONG_SEEDS: Final = (11, 12, 13, 14, 15)
LONG_RANDOM: Final = 200


async def _serve(app: FastAPI) -> tuple[uvicorn.Server, asyncio.Task[None], int]:
    """Serve *app*, which runs already, on a port of the loopback address, as the API process does."""
    port = free_port()
    config = uvicorn.Config(
        app,
        port=port,
        http=GuardedProtocol,
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    return server, task, port


CONFIGURATION: Final = """
[phases.stateful.generation]
max-examples = {walks}

# At each draw all that answers have said is looked through, which takes hours with 200 requests of each operation. The
# hooks know what there is, and walks go from answer to request.
[phases.fuzzing.extra-data-sources]
responses = false

[auth.dynamic.openapi.bearer]
path = "/api/v1/auth/sign-in"
payload = {{ email = "{email}", password = "{password}" }}
extract_selector = "/access_token"
retry_on = [401]
"""


def _known(content: Content, side: str, account: UUID) -> str:
    """Return what there is to ask for, as the hooks read it."""
    operations: dict[str, Any] = {}
    names = {**content.names, "new": str(uuid4())}
    for operation, example in EXAMPLES.items():
        operations[operation] = {
            "path": {"project": content.key, **filled(example.path, names)},
            "query": filled(example.query, names),
            "body": filled(example.body, names),
        }
    del operations["get_file"]["path"]["name"]  # any name will do
    # It may archive its project, after which nothing can be written there any more.
    operations["update_project"]["path"]["project"] = side
    for operation in ("update_group", "list_group_members", "add_group_member"):
        operations[operation] = {"path": {"group_id": names["group"]}}
    for operation in ("put_group_member", "remove_group_member"):
        operations[operation] = {"path": {"group_id": names["group"], "user_id": names["member"]}}
    for operation in ("update_user", "get_user_factors", "end_user_sessions"):
        operations[operation] = {"path": {"user_id": names["member"]}}
    return json.dumps({"account": str(account), "operations": operations})


async def _run(world: World, folder: Path, seed: int, examples: int) -> None:
    content = await make_content(world, "Conformance")
    client = await world.administrator()
    role = {"role": "owner"}
    address = f"/projects/{content.key}/members/{client.user.user_id}"
    assert (await client.put(address, json=role)).status_code == 200
    side = await world.project(client)
    configuration = folder / "schemathesis.toml"
    configuration.write_text(
        CONFIGURATION.format(walks=max(WALKS, examples), email=client.user.email, password=PASSWORD)
    )
    known = folder / "known.json"
    known.write_text(_known(content, side, client.user.user_id))
    server, task, port = await _serve(world.app)
    process = None
    try:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "schemathesis.cli", "--config-file", str(configuration)),
            *("run", f"http://127.0.0.1:{port}/api/v1/openapi.json"),
            *("--phases", "examples,coverage,fuzzing,stateful", "--checks", "all", "--mode", "all"),
            *("--seed", str(seed), "--max-examples", str(examples), "--continue-on-failure"),
            *("--no-color", "--generation-database", "none", "--no-shrink"),
            *("--report", "json", "--report-json-path", "report.json"),
            cwd=folder,
            env={
                # It is not what is measured: followed line by line, it takes an hour.
                **{name: value for name, value in os.environ.items() if "COVERAGE" not in name},
                "PYTHONPATH": os.pathsep.join(sys.path),
                "SCHEMATHESIS_HOOKS": conformance_hooks.__name__,
                conformance_hooks.KNOWN: str(known),
                "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
            },
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output = (await process.communicate())[0].decode()
    finally:
        if process is not None and process.returncode is None:
            process.kill()
        server.should_exit = True
        await task
    assert process.returncode == 0, output
    report = json.loads((folder / "report.json").read_text())
    every = sum(map(len, openapi.document(world.app)["paths"].values()))
    assert report["operations"]["tested"] == every, output
    phases = {name: phase["status"] for name, phase in report["phases"].items()}
    assert phases == dict.fromkeys(
        ("examples", "coverage", "fuzzing", "stateful"), "success"
    ), output
    print("\n".join(output.splitlines()[-20:]))


@pytest.mark.early
async def test_one_seed(unlimited: World, tmp_path: Path) -> None:
    await _run(unlimited, tmp_path, SEED, RANDOM)


@pytest.mark.long
@pytest.mark.parametrize("seed", LONG_SEEDS)
async def test_five_seeds(unlimited: World, tmp_path: Path, seed: int) -> None:
    await _run(unlimited, tmp_path, seed, LONG_RANDOM)
