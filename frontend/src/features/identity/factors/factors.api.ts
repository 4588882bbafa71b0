import { client, setAccessToken, unwrap } from '@/api/client'
import type { Factors, PasskeyOptions, Session, TotpEnrolment, UserFactors } from '@/api/types'
import { createPasskey, usePasskey } from './webauthn'

/** A code of an authenticator, or one of the recovery codes. */
export type CodeMethod = 'totp' | 'recovery_code'
/** What proves again that it is still the owner. */
export type Proof = { password: string } | { code: string }

function opened(session: Session): Session {
  setAccessToken(session.access_token)
  return session
}

export async function answerCode(challenge: string, method: CodeMethod, code: string): Promise<Session> {
  const body = { challenge, method, code }
  return opened(await unwrap(client.POST('/api/v1/auth/second-factor', { body })))
}

/** Signs in with a passkey: alone, or as the second step of the sign-in with `challenge`. */
export async function answerPasskey(challenge: string | null): Promise<Session> {
  const asked = await askPasskey(challenge)
  const credential = await usePasskey(asked.options)
  const body = { challenge: asked.challenge, credential }
  return opened(await unwrap(client.POST('/api/v1/auth/passkey', { body })))
}

function askPasskey(challenge: string | null): Promise<PasskeyOptions> {
  return unwrap(client.POST('/api/v1/auth/passkey/options', { body: { challenge } }))
}

export function enrolAtSignIn(challenge: string): Promise<TotpEnrolment> {
  return unwrap(client.POST('/api/v1/auth/enrol/totp', { body: { challenge } }))
}

/** Returns the session and the recovery codes; the person is signed in once they have kept the codes. */
export async function confirmAtSignIn(
  challenge: string,
  code: string,
): Promise<{ session: Session; codes: string[] }> {
  const body = { challenge, code }
  const made = await unwrap(client.POST('/api/v1/auth/enrol/totp/confirm', { body }))
  return { session: opened(made.session), codes: made.recovery_codes }
}

export function getFactors(): Promise<Factors> {
  return unwrap(client.GET('/api/v1/me/factors'))
}

export function beginTotp(): Promise<TotpEnrolment> {
  return unwrap(client.POST('/api/v1/me/factors/totp'))
}

/** Returns recovery codes if there were none, which the server shows this once only. */
export async function confirmTotp(code: string): Promise<string[]> {
  return (await unwrap(client.POST('/api/v1/me/factors/totp/confirm', { body: { code } }))).recovery_codes
}

export async function removeTotp(): Promise<void> {
  await client.DELETE('/api/v1/me/factors/totp')
}

/** Makes a passkey on this device and keeps it; returns recovery codes if there were none. */
export async function addPasskey(name: string): Promise<string[]> {
  const asked = await unwrap(client.POST('/api/v1/me/factors/passkeys/options'))
  const credential = await createPasskey(asked.options)
  const body = { challenge: asked.challenge, name, credential }
  return (await unwrap(client.POST('/api/v1/me/factors/passkeys', { body }))).recovery_codes
}

export async function removePasskey(id: string): Promise<void> {
  await client.DELETE('/api/v1/me/factors/passkeys/{passkey_id}', { params: { path: { passkey_id: id } } })
}

export async function renamePasskey(id: string, name: string): Promise<void> {
  const params = { path: { passkey_id: id } }
  await client.PATCH('/api/v1/me/factors/passkeys/{passkey_id}', { params, body: { name } })
}

export async function renewRecoveryCodes(): Promise<string[]> {
  return (await unwrap(client.POST('/api/v1/me/factors/recovery-codes'))).recovery_codes
}

export async function prove(proof: Proof): Promise<void> {
  await client.POST('/api/v1/me/proof', { body: proof })
}

export async function provePasskey(): Promise<void> {
  const asked = await askPasskey(null)
  const credential = await usePasskey(asked.options)
  await client.POST('/api/v1/me/proof', { body: { passkey: { challenge: asked.challenge, credential } } })
}

export function getUserFactors(id: string): Promise<UserFactors> {
  return unwrap(client.GET('/api/v1/users/{user_id}/factors', { params: { path: { user_id: id } } }))
}

export async function resetUserFactors(id: string): Promise<void> {
  await client.DELETE('/api/v1/users/{user_id}/factors', { params: { path: { user_id: id } } })
}
