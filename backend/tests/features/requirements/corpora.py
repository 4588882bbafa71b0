"""Reading the shared corpora of hostile input."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CORPORA = Path(__file__).resolve().parents[5] / "shared" / "corpora"
XSS = ("xss_payloadbox.json", "xss_patt_JHADDIX_XSS.json", "xss_patt_RSNAKE_XSS.json")


def read(name: str) -> Any:
    """Return a corpus; the tests that need it are skipped by ``shared_folder`` where it is missing."""
    return json.loads((CORPORA / name).read_text())


def markup() -> list[str]:
    """Return every payload that tries to become markup."""
    payloads = [text for name in XSS for text in read(name)]
    payloads += read("naughty_strings.json")
    payloads += [entry["payload"] for entry in read("html_dompurify_fixtures.json")]
    payloads += read("upload_svg_xhtml_files.json").values()
    return payloads
