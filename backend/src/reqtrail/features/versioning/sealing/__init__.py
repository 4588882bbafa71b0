"""Seals: a Merkle root over everything visible at a commit, and proofs under it. See “Seals” in docs/engine.md."""

from __future__ import annotations

from reqtrail.features.versioning.sealing.errors import NotSealed, SealBroken
from reqtrail.features.versioning.sealing.jobs import (
    LeaseLost,
    queued_seals,
    run_pending_seals,
    run_seal,
)
from reqtrail.features.versioning.sealing.proofs import (
    export_baseline,
    export_pieces,
    proof,
    proof_file,
)
from reqtrail.features.versioning.sealing.service import SEAL_JOB, request_seal, seal_state
from reqtrail.features.versioning.sealing.types import Proof, Seal, SealState
from reqtrail.features.versioning.sealing.verifying import verify_seals

__all__ = [
    "SEAL_JOB",
    "LeaseLost",
    "NotSealed",
    "Proof",
    "Seal",
    "SealBroken",
    "SealState",
    "export_baseline",
    "export_pieces",
    "proof",
    "proof_file",
    "queued_seals",
    "request_seal",
    "run_pending_seals",
    "run_seal",
    "seal_state",
    "verify_seals",
]
