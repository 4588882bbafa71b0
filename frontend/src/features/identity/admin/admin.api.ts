import { client, unwrap } from '@/api/client'
import type { Invitation, Mails, User } from '@/api/types'

export const PAGE = 50

/** One page of accounts by address: those with `search` in address or name that follow the address `after`. */
export function findUsers(search: string, after: string): Promise<User[]> {
  return unwrap(client.GET('/api/v1/users', { params: { query: { search, after, limit: PAGE } } }))
}

export type UserPatch = Partial<Pick<User, 'active' | 'is_administrator'>>

export function patchUser(id: string, patch: UserPatch): Promise<User> {
  return unwrap(client.PATCH('/api/v1/users/{user_id}', { params: { path: { user_id: id } }, body: patch }))
}

export async function sendPasswordReset(id: string): Promise<void> {
  await client.POST('/api/v1/users/{user_id}/password-reset', { params: { path: { user_id: id } } })
}

export async function endSessions(id: string): Promise<void> {
  await client.DELETE('/api/v1/users/{user_id}/sessions', { params: { path: { user_id: id } } })
}

export function listInvitations(): Promise<Invitation[]> {
  return unwrap(client.GET('/api/v1/invitations'))
}

export function invite(email: string, isAdministrator: boolean): Promise<Invitation> {
  return unwrap(client.POST('/api/v1/invitations', { body: { email, is_administrator: isAdministrator } }))
}

export async function withdrawInvitation(id: string): Promise<void> {
  await client.DELETE('/api/v1/invitations/{invitation_id}', { params: { path: { invitation_id: id } } })
}

export function listMails(): Promise<Mails> {
  return unwrap(client.GET('/api/v1/admin/mails'))
}
