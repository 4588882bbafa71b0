"""What is refused about seals, each with a stable code."""

from __future__ import annotations

from reqtrail.kit.errors import Conflict, ReqtrailError


class NotSealed(Conflict):
    """The state has no seal, or its seal is not ready yet; ``state`` says which."""

    code = "not_sealed"
    title = "This version is not sealed"


class SealBroken(ReqtrailError):
    """What is stored disagrees with what was sealed, so no proof can be given."""

    code = "seal_broken"
    title = "The stored history disagrees with its seal"
