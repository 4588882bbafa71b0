import { client, renew, setAccessToken, unwrap, whenRenewed, whenSignedOut } from '@/api/client'
import type {
  ApiToken,
  Identity,
  NewToken,
  Project,
  SecondFactorNeeded,
  Session,
  SessionInfo,
  User,
} from '@/api/types'

export { renew, whenRenewed, whenSignedOut }

/** Returns the session, or the challenge of the second step that the account asks for. */
export async function signIn(email: string, password: string): Promise<Session | SecondFactorNeeded> {
  const answer = await unwrap(client.POST('/api/v1/auth/sign-in', { body: { email, password } }))
  if ('access_token' in answer) setAccessToken(answer.access_token)
  return answer
}

export async function signOut(): Promise<void> {
  await client.POST('/api/v1/auth/sign-out')
  setAccessToken(null)
}

export function renameMe(displayName: string): Promise<User> {
  return unwrap(client.PATCH('/api/v1/me', { body: { display_name: displayName } }))
}

export async function changePassword(current: string, next: string): Promise<void> {
  await client.POST('/api/v1/me/password', { body: { current, new: next } })
}

export function listTokens(): Promise<ApiToken[]> {
  return unwrap(client.GET('/api/v1/me/tokens'))
}

/** Returns the token itself, which the server shows this once only. */
export async function createToken(token: NewToken): Promise<string> {
  return (await unwrap(client.POST('/api/v1/me/tokens', { body: token }))).token
}

export async function revokeToken(id: string): Promise<void> {
  await client.DELETE('/api/v1/me/tokens/{token_id}', { params: { path: { token_id: id } } })
}

/** Where a provider's sign-in begins; it comes back to the page `next`. */
export function singleSignOnAddress(provider: string, next: string): string {
  return `/api/v1/auth/single-sign-on/${provider}?${new URLSearchParams({ next })}`
}

export function listIdentities(): Promise<Identity[]> {
  return unwrap(client.GET('/api/v1/me/identities'))
}

/** Returns the address at which the browser proves the identity. */
export async function linkIdentity(provider: string): Promise<string> {
  const body = { provider, next: '/account' }
  return (await unwrap(client.POST('/api/v1/me/identities', { body }))).address
}

export async function unlinkIdentity(id: string): Promise<void> {
  await client.DELETE('/api/v1/me/identities/{identity_id}', { params: { path: { identity_id: id } } })
}

export function listUsers(): Promise<User[]> {
  return unwrap(client.GET('/api/v1/users'))
}

export function getMe(): Promise<User> {
  return unwrap(client.GET('/api/v1/me'))
}

export async function changeEmail(email: string, password: string): Promise<void> {
  await client.POST('/api/v1/me/email', { body: { email, password } })
}

export async function askEmailVerification(): Promise<void> {
  await client.POST('/api/v1/me/email/verification')
}

export function listSessions(): Promise<SessionInfo[]> {
  return unwrap(client.GET('/api/v1/me/sessions'))
}

export async function revokeSession(id: string): Promise<void> {
  await client.DELETE('/api/v1/me/sessions/{session_id}', { params: { path: { session_id: id } } })
}

export async function revokeOtherSessions(): Promise<void> {
  await client.DELETE('/api/v1/me/sessions')
}

export function listMyProjects(): Promise<Project[]> {
  return unwrap(client.GET('/api/v1/projects'))
}
