"""Why a single sign-on did not work. The sign-in page shows the sentence of the code."""

from __future__ import annotations

from reqtrail.kit.errors import Conflict, Forbidden, NotFound, Unauthenticated, Unavailable


class ProviderUnknown(NotFound):
    """No provider has this id."""

    code = "provider_unknown"
    title = "There is no such sign-in provider"


class ProviderUnavailable(Unavailable):
    """The provider does not answer, or says nothing usable about itself."""

    code = "provider_unavailable"
    title = "The sign-in provider does not answer"


class AttemptExpired(Unauthenticated):
    """The answer belongs to no attempt of this browser: expired, used before, begun elsewhere."""

    code = "sign_in_expired"
    title = "This sign-in was begun elsewhere, or too long ago"


class ProviderRefused(Unauthenticated):
    """The provider, or the person at it, said no."""

    code = "provider_refused"
    title = "The sign-in provider did not let you in"


class AnswerInvalid(Unauthenticated):
    """What the provider sent proves nothing: wrong signature, issuer, audience, nonce or time."""

    code = "provider_answer_invalid"
    title = "The answer of the sign-in provider is not valid"


class NotLinked(Forbidden):
    """The identity is of no account, and none is made for it. Whether its address has an account is not told."""

    code = "identity_not_linked"
    title = "No account is linked to this sign-in"


class AddressNotAllowed(Forbidden):
    """The provider may let in people of certain domains only, with a verified address."""

    code = "address_not_allowed"
    title = "People with this address may not sign in here"


class AccountDisabled(Forbidden):
    """The identity's account is disabled."""

    code = "account_disabled"
    title = "The account is disabled"


class IdentityTaken(Conflict):
    """The identity is linked to another account."""

    code = "identity_taken"
    title = "This identity is linked to another account"


class OnlyWayIn(Conflict):
    """The account has no password: without its last identity nobody could sign in to it."""

    code = "only_way_in"
    title = "This is the only way to sign in to the account"


class NeedsSignIn(Forbidden):
    """The request came with an API token, which may not change who signs in to the account."""

    code = "needs_sign_in"
    title = "This needs a sign-in"


class IdentityNotFound(NotFound):
    """The account has no such identity."""

    code = "identity_not_found"
    title = "There is no such identity"
