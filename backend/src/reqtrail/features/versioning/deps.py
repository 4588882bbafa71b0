"""What requests say of the commit that they make: its branch, its message."""

from __future__ import annotations

from typing import Annotated

from fastapi import Query
from pydantic import StringConstraints

MOST_OF_A_MESSAGE = 2000
"""How many characters a commit message may have."""

BranchName = Annotated[
    str,
    Query(
        min_length=1,
        max_length=200,
        description="The branch to write to; the root branch if left out.",
    ),
]

Message = Annotated[str, StringConstraints(max_length=MOST_OF_A_MESSAGE)]
"""Why a commit was made, in the words of its author; without one the commit says what was done."""

MessageQuery = Annotated[
    str,
    Query(
        alias="message",
        max_length=MOST_OF_A_MESSAGE,
        description="Why it is done; without one the commit says what was done.",
    ),
]
"""The same for requests that have no body."""
