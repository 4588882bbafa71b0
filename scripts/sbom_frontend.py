"""Writes what the browser application is made of, as CycloneDX, from its lock alone.

npm's own `npm sbom` leaves out what a tool for development asks for too (Vue itself), and refuses a tree in which an
optional part for another platform does not fit.
"""

import base64
import json
import sys
from pathlib import Path
from typing import Any

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

INSIDE = "node_modules/"


def component(path: str, entry: dict[str, Any]) -> Component:
    group, _, name = path.rpartition(INSIDE)[2].rpartition("/")
    algorithm, _, digest = entry["integrity"].partition("-")
    return Component(
        type=ComponentType.LIBRARY,
        bom_ref=path,
        group=group or None,
        name=name,
        version=entry["version"],
        purl=PackageURL("npm", group or None, name, entry["version"]),
        licenses=(
            [LicenseFactory().make_from_string(entry["license"])] if "license" in entry else []
        ),
        hashes=[
            HashType(
                alg=HashAlgorithm(algorithm.upper().replace("SHA", "SHA-")),
                content=base64.b64decode(digest).hex(),
            )
        ],
    )


def found(packages: dict[str, Any], path: str, name: str) -> str | None:
    """Return where Node finds the package *name* when the one at *path* asks for it: beside it, or further up."""
    while True:
        at = f"{path}/{INSIDE}{name}" if path else f"{INSIDE}{name}"
        if at in packages:
            return at
        if not path:
            return None
        path = path.rpartition(INSIDE)[0].rstrip("/")


def bill(lock: dict[str, Any]) -> Bom:
    """Return the bill of all that a lock installs without what is for development alone."""
    packages = {path: entry for path, entry in lock["packages"].items() if not entry.get("dev")}
    own = Component(
        type=ComponentType.APPLICATION,
        name=lock["name"],
        version=lock["version"],
        bom_ref=lock["name"],
    )
    parts = {path: component(path, entry) for path, entry in packages.items() if path}
    made = Bom(components=parts.values())
    made.metadata.component = own
    for path, entry in packages.items():
        wanted = [*entry.get("dependencies", {}), *entry.get("optionalDependencies", {})]
        wanted += [name for name in entry.get("peerDependencies", {}) if name not in wanted]
        places = (found(packages, path, name) for name in wanted)
        made.register_dependency(parts.get(path, own), [parts[place] for place in places if place])
    return made


if __name__ == "__main__":
    source, target = map(Path, sys.argv[1:])
    output = JsonV1Dot6(bill(json.loads(source.read_text())))
    output.generate()
    content = json.loads(output.output_as_string())
    # The same lock gives the same bytes.
    del content["serialNumber"], content["metadata"]["timestamp"]
    target.write_text(json.dumps(content, indent=2) + "\n")
