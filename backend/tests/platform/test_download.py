"""The names of downloads: exact for programs that read RFC 8187, plain for others, and never more than a name."""

from __future__ import annotations

import json
import re
import unicodedata
from pathlib import Path
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reqtrail.platform.download import MAX_NAME, disposition

FORM = re.compile(
    r"attachment; filename=\"([A-Za-z0-9 ._()+-]+)\"; filename\*=UTF-8''([A-Za-z0-9!#$&+.^_`|~%-]+)"
)


def read(name: str) -> tuple[str, str]:
    """Return the plain and the exact name of a header; it has the form of RFC 6266 and no other."""
    found = FORM.fullmatch(disposition("attachment", name))
    assert found, disposition("attachment", name)
    return found[1], unquote(found[2])


@pytest.mark.parametrize(
    ("name", "plain", "exact"),
    [
        ("a.pdf", "a.pdf", "a.pdf"),
        ("Bremsen & Übersicht.pdf", "Bremsen _ _bersicht.pdf", "Bremsen & Übersicht.pdf"),
        ("制動.reqif", "__.reqif", "制動.reqif"),
        ('a"; filename="b.exe', "a__ filename=_b.exe".replace("=", "_"), "a_; filename=_b.exe"),
        ("../../etc/passwd", "_.._etc_passwd", "_.._etc_passwd"),
        ("C:\\x\\y.txt", "C__x_y.txt", "C__x_y.txt"),
        ("a\r\nSet-Cookie: x=1", "aSet-Cookie_ x_1", "aSet-Cookie_ x=1"),
        ("invoice\u202efdp.exe", "invoicefdp.exe", "invoicefdp.exe"),
        ("x\x00.png", "x.png", "x.png"),
        ("%2e%2e%2fx", "_2e_2e_2fx", "%2e%2e%2fx"),
        ("", "file", "file"),
        ("...", "file", "file"),
        ("\ud800.txt", "_.txt", "_.txt"),
    ],
)
def test_names(name: str, plain: str, exact: str) -> None:
    assert read(name) == (plain, exact)


@given(st.text(max_size=400))
def test_any_name_is_one_name(name: str) -> None:
    plain, exact = read(name)
    assert 0 < len(plain) <= MAX_NAME and 0 < len(exact) <= MAX_NAME
    assert not set(exact) & set('/\\:*?"<>|') and exact not in {".", ".."}
    assert all(unicodedata.category(char) not in {"Cc", "Cf", "Cs"} for char in exact)


def test_a_long_name_keeps_its_ending() -> None:
    assert read("a" * 500 + ".reqifz")[1].endswith("a.reqifz")


def test_the_names_of_the_corpora(shared_folder: Path) -> None:
    for corpus in ("upload_names.json", "path_traversal.json", "naughty_strings.json"):
        for name in json.loads((shared_folder / "corpora" / corpus).read_text()):
            read(name)
