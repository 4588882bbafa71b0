"""The JSON of second factors."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from reqtrail.features.identity.factors.types import Method
from reqtrail.features.identity.schemas import Name, Password, Session
from reqtrail.platform.http import Body

Token = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Code = Annotated[str, StringConstraints(min_length=1, max_length=100)]
Encoded = Annotated[str, StringConstraints(max_length=4096)]


class SecondFactorNeeded(BaseModel):
    """The password was right; the challenge is to be answered by one of the methods.

    With ``enrol`` the account has none yet and must enrol an authenticator. ``expires_in`` is in seconds.
    """

    challenge: str
    methods: list[Method]
    enrol: bool
    expires_in: int


class SecondFactorAnswer(Body):
    """A code for the challenge of a sign-in."""

    challenge: Token
    method: Literal["totp", "recovery_code"]
    code: Code


class ChallengeOnly(Body):
    """The challenge of a sign-in."""

    challenge: Token


class ChallengeCode(Body):
    """The challenge of a sign-in that must enrol, and the first code of the new authenticator."""

    challenge: Token
    code: Code


class AuthenticatorAnswer(Body):
    """What ``navigator.credentials`` gave, as its ``toJSON()`` writes it (WebAuthn level 3)."""

    id: Encoded
    raw_id: Encoded = Field(alias="rawId")
    type: Literal["public-key"]
    response: dict[str, Any]
    attachment: Encoded | None = Field(None, alias="authenticatorAttachment")
    extensions: dict[str, Any] = Field({}, alias="clientExtensionResults")

    def as_json(self) -> dict[str, Any]:
        """Return it as the browser wrote it."""
        return self.model_dump(by_alias=True)


class PasskeyAsk(Body):
    """What a passkey is asked for: a sign-in without a password, or the second step of the one with a challenge."""

    challenge: Token | None = None


class PasskeyOptions(BaseModel):
    """The challenge to answer, and what ``navigator.credentials`` needs for it, as JSON (WebAuthn level 3)."""

    challenge: str
    options: dict[str, Any]


class PasskeyAnswer(Body):
    """The answer of an authenticator to a challenge."""

    challenge: Token
    credential: AuthenticatorAnswer


class PasskeyCreate(PasskeyAnswer):
    """A new passkey."""

    name: Name


class PasskeyPatch(Body):
    """Another name for a passkey."""

    name: Name


class PasskeyRead(BaseModel):
    """A passkey of one's own."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID = Field(validation_alias="passkey_id")
    name: str
    backed_up: bool
    made_at: datetime
    last_used_at: datetime | None


class FactorsRead(BaseModel):
    """What one signs in with beside the password.

    ``fresh`` says whether factors can be changed now; else one has to prove oneself again. Passkeys work at ``origin``
    only.
    """

    totp_since: datetime | None
    passkeys: list[PasskeyRead]
    recovery_codes_left: int
    required: bool
    fresh: bool
    origin: str


class TotpEnrolment(BaseModel):
    """A secret for an authenticator application, its address as text and as a picture (a data URI)."""

    model_config = ConfigDict(from_attributes=True)

    secret: str
    uri: str
    picture: str


class TotpConfirm(Body):
    """The first code of a new authenticator."""

    code: Code


class RecoveryCodes(BaseModel):
    """New recovery codes, shown this once; none if those that one has are still good."""

    recovery_codes: list[str]


class PasskeyCreated(RecoveryCodes):
    """A new passkey, with recovery codes if it is the first factor."""

    passkey: PasskeyRead


class EnrolledSession(RecoveryCodes):
    """The session that an enrolment at sign-in opens, with recovery codes."""

    session: Session


class Proof(Body):
    """One proof that it is still the owner: the password, a code, or a passkey."""

    password: Password | None = None
    code: Code | None = None
    passkey: PasskeyAnswer | None = None


class UserFactors(BaseModel):
    """What an administrator sees of an account's factors."""

    totp: bool
    passkeys: int
    recovery_codes_left: int
