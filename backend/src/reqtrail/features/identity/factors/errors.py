"""What second factors refuse."""

from __future__ import annotations

from reqtrail.kit.errors import (
    Conflict,
    Forbidden,
    Invalid,
    NotFound,
    TooManyRequests,
    Unauthenticated,
)


class ChallengeEnded(Unauthenticated):
    """The challenge is unknown, was used, has expired or had too many wrong answers."""

    code = "challenge_ended"
    title = "The sign-in took too long"


class WrongCode(Invalid):
    """The code is wrong, was used before, or has expired."""

    code = "wrong_code"
    title = "The code is wrong"


class CodesBlocked(TooManyRequests):
    """Too many wrong codes for one account."""

    code = "codes_blocked"
    title = "Too many wrong codes"


class NotProven(Invalid):
    """The proof that it is still the owner does not prove it; the sign-in itself is good."""

    code = "not_proven"
    title = "That is not right"


class NoFactor(Conflict):
    """The account has no second factor, which recovery codes could replace."""

    code = "no_factor"
    title = "There is no second factor yet"


class PasskeyRefused(Invalid):
    """The answer of the authenticator does not prove what was asked for."""

    code = "passkey_refused"
    title = "The passkey was not accepted"


class PasskeyTaken(Conflict):
    """The passkey is registered already."""

    code = "passkey_taken"
    title = "This passkey is registered already"


class PasskeyNotFound(NotFound):
    """The account has no such passkey."""

    code = "passkey_not_found"
    title = "There is no such passkey"


class TotpExists(Conflict):
    """The account has an authenticator already."""

    code = "totp_exists"
    title = "There is an authenticator already"


class TotpNotBegun(Conflict):
    """There is no enrolment to confirm."""

    code = "totp_not_begun"
    title = "Begin with a new QR code"


class LastFactor(Conflict):
    """The instance requires a second factor, and this is the account's last one."""

    code = "last_factor"
    title = "This instance requires a second factor"


class ReauthenticationNeeded(Forbidden):
    """The sign-in is too old for this change."""

    code = "reauthentication_needed"
    title = "Confirm that it is you"


class SessionNeeded(Forbidden):
    """An API token cannot change how its owner signs in."""

    code = "session_needed"
    title = "Sign in with a browser for this"
