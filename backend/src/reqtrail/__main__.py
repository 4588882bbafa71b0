"""``python -m reqtrail`` is the command ``reqtrail``."""

from __future__ import annotations

from reqtrail.entrypoints.cli import main

if __name__ == "__main__":
    main()
