"""Puts the data that lies elsewhere in a clone into the package, so that an installed Reqtrail has it too."""

from __future__ import annotations

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

CLONE = Path(__file__).resolve().parents[1]
DATA = {"demo": "examples/demo", "migrations": "backend/migrations", "site": "frontend/dist"}
"""As in ``reqtrail.platform.resources``, which finds the folders."""


class BuildWithData(build_py):
    """Builds the package and then adds the data."""

    def run(self) -> None:
        """Build, then copy each folder of DATA to ``reqtrail/data``.

        Raises:
            SystemExit: If a folder is missing, such as the browser application before ``make build``.
        """
        super().run()
        if self.editable_mode:
            return  # the clone itself is used then
        for name, place in DATA.items():
            source = CLONE / place
            if not any(source.glob("*")):
                raise SystemExit(f"{source} is missing: run `make wheel`, which builds it first.")
            target = Path(self.build_lib) / "reqtrail" / "data" / name
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))


setup(cmdclass={"build_py": BuildWithData})
