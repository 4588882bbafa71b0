"""Data that is no code: where people look for it in a clone, beside the code in an installed package.

``backend/setup.py`` copies the folders of a clone into the package when a wheel is built.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

_PACKAGED = Path(__file__).resolve().parents[1] / "data"
_CLONE = Path(__file__).resolve().parents[4]
_IN_CLONE = {"demo": "examples/demo", "migrations": "backend/migrations", "site": "frontend/dist"}


def data_folder(name: Literal["demo", "migrations", "site"]) -> Path:
    """Return the folder of the demo project, of the migrations, or of the built browser application.

    It need not exist: a clone has no browser application before it is built.
    """
    packaged = _PACKAGED / name
    return packaged if packaged.is_dir() else _CLONE / _IN_CLONE[name]
