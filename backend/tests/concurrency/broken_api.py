"""The API process with a planted fault: ``python -m tests.concurrency.broken_api FAULT``."""

from __future__ import annotations

import sys

from pytest import MonkeyPatch

from reqtrail.entrypoints import web
from tests.concurrency.faults import FAULTS

if __name__ == "__main__":
    FAULTS[sys.argv[1]](MonkeyPatch())
    web.main()
