"""Second factors: codes of an authenticator (TOTP), passkeys (WebAuthn) and recovery codes."""
