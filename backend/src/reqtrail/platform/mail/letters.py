"""What a mail says, as plain text and as simple HTML."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape


@dataclass(frozen=True)
class Letter:
    """A short text with at most one link.

    Attributes:
        paragraphs: Each a sentence or a few.
        action: What following the link does; empty without one.
        address: The link.
        ending: What stands below the link.
    """

    subject: str
    paragraphs: tuple[str, ...]
    action: str = ""
    address: str = ""
    ending: tuple[str, ...] = ()

    def subject_line(self) -> str:
        """Return the subject in one line: names in it may hold line breaks, a header may not."""
        return " ".join(self.subject.split())[:200]

    def plain(self) -> str:
        """Return the letter as text."""
        link = (f"{self.action}:\n{self.address}",) if self.address else ()
        return "\n\n".join((*self.paragraphs, *link, *self.ending)) + "\n"

    def html(self) -> str:
        """Return the letter as HTML without styles, pictures or anything that is fetched."""
        link = (
            f'<p><a href="{escape(self.address)}">{escape(self.action)}</a></p>'
            f"<p>{escape(self.address)}</p>"
            if self.address
            else ""
        )
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            f"<title>{escape(self.subject_line())}</title></head><body>"
            f"{_paragraphs(self.paragraphs)}{link}{_paragraphs(self.ending)}</body></html>\n"
        )


def _paragraphs(texts: tuple[str, ...]) -> str:
    return "".join(f"<p>{escape(text)}</p>" for text in texts)
