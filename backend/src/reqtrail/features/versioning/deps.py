"""Which branch a request writes to."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query

BranchName = Annotated[
    str,
    Query(
        min_length=1,
        max_length=200,
        description="The branch to write to; the root branch if left out.",
    ),
]
