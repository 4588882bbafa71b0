"""What identity refuses."""

from __future__ import annotations

from reqtrail.kit.errors import (
    Conflict,
    Forbidden,
    Gone,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
)


class WrongCredentials(Unauthenticated):
    """Unknown account, wrong password or a disabled account: deliberately not told apart."""

    code = "wrong_credentials"
    audited = "session:open"
    title = "The e-mail address or the password is wrong"


class PasswordSignInOff(Forbidden):
    """The instance lets administrators alone sign in with a password."""

    code = "password_sign_in_off"
    title = "Passwords are not used here"


class TokenInvalid(Unauthenticated):
    """The access, API or refresh token is not good, or no longer."""

    code = "token_invalid"
    title = "The sign-in is no longer valid"


class SessionEnded(Unauthenticated):
    """The refresh token is missing, expired, revoked or was used before."""

    code = "session_ended"
    title = "The session has ended"


class ForeignOrigin(Forbidden):
    """A request that acts by cookie comes from another site."""

    code = "foreign_origin"
    title = "The request comes from another site"
    audited = None  # anybody on the Internet can cause it as often as they like


class TokenLimited(Forbidden):
    """The API token is limited to less than this."""

    code = "token_limited"
    title = "The token may not do this"


class TokenLivesTooLong(Invalid):
    """An API token was to live for longer than the instance allows."""

    code = "token_lives_too_long"
    title = "The token would live too long"


class PasswordRefused(Invalid):
    """The password does not meet the policy."""

    code = "password_refused"
    title = "Choose another password"


class WrongPassword(Invalid):
    """The present password, asked for as a proof, is wrong; the sign-in itself is good."""

    code = "wrong_password"
    audited = ""
    title = "The present password is wrong"


class EmailTaken(Conflict):
    """An account with this address exists."""

    code = "email_taken"
    title = "There is an account with this e-mail address"


class LastAdministrator(Conflict):
    """The change would leave no active administrator."""

    code = "last_administrator"
    title = "There must be an administrator"


class IdempotencyMismatch(Invalid):
    """The Idempotency-Key was used before, for another request."""

    code = "idempotency_mismatch"
    title = "The Idempotency-Key belongs to another request"


class UserNotFound(NotFound):
    """There is no such account."""

    code = "user_not_found"
    title = "There is no such account"


class HashingBusy(Unavailable):
    """More sign-ins wait than can be served soon."""

    code = "sign_in_busy"
    title = "Too many people are signing in at this moment"


class LinkInvalid(Gone):
    """A mailed link that is not good, or no longer."""

    code = "link_invalid"
    title = "This link is not good any more"


class LinkOfAnother(Forbidden):
    """An invitation was sent to another address than that of the account."""

    code = "link_of_another"
    title = "The invitation is for another account"


class RegistrationClosed(Forbidden):
    """People cannot make accounts of their own here, or not with this address."""

    code = "registration_closed"
    title = "You cannot make an account here"


class InvitationNotFound(NotFound):
    """There is no such open invitation."""

    code = "invitation_not_found"
    title = "There is no such invitation"


class SessionNotFound(NotFound):
    """The account has no such sign-in."""

    code = "session_not_found"
    title = "There is no such session"
