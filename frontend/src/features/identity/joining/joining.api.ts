import { client, unwrap } from '@/api/client'
import type { MailedLink, SignInOptions, User } from '@/api/types'

export type JoinPurpose = 'invitation' | 'registration'

export function signInOptions(): Promise<SignInOptions> {
  return unwrap(client.GET('/api/v1/auth/options'))
}

export async function askRegistration(email: string): Promise<void> {
  await client.POST('/api/v1/auth/registrations', { body: { email } })
}

export async function askPasswordReset(email: string): Promise<void> {
  await client.POST('/api/v1/auth/password-resets', { body: { email } })
}

export async function resetPassword(token: string, password: string): Promise<void> {
  await client.POST('/api/v1/auth/password-resets/complete', { body: { token, password } })
}

export function lookAtLink(purpose: JoinPurpose, token: string): Promise<MailedLink> {
  return unwrap(client.POST('/api/v1/auth/links', { body: { purpose, token } }))
}

export interface NewAccount {
  purpose: JoinPurpose
  token: string
  display_name: string
  password: string
}

export function createAccount(account: NewAccount): Promise<User> {
  return unwrap(client.POST('/api/v1/auth/accounts', { body: account }))
}

export async function acceptInvitation(token: string): Promise<void> {
  await client.POST('/api/v1/me/invitations/accept', { body: { token } })
}

export async function verifyEmail(token: string): Promise<string> {
  return (await unwrap(client.POST('/api/v1/auth/email-verifications/complete', { body: { token } }))).email
}

export async function confirmEmailChange(token: string): Promise<string> {
  return (await unwrap(client.POST('/api/v1/auth/email-changes/complete', { body: { token } }))).email
}
