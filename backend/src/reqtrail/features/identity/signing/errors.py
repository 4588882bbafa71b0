"""What the keeping of signing keys refuses."""

from __future__ import annotations

from reqtrail.kit.errors import Unavailable


class KeysUnavailable(Unavailable):
    """No signing key is loaded yet, because the database was away since the process started."""

    code = "signing_keys_unavailable"
    title = "Nobody can sign in at this moment"
