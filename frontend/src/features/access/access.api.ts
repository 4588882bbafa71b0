import { client, unwrap } from '@/api/client'
import type { Group, GroupGrant, GroupMember, Restriction, RestrictionPut, Role } from '@/api/types'

const of = (group: string) => ({ params: { path: { group_id: group } } })
const seat = (group: string, user: string) => ({ params: { path: { group_id: group, user_id: user } } })
const grant = (project: string, group: string) => ({ params: { path: { project, group_id: group } } })

export function listGroups(): Promise<Group[]> {
  return unwrap(client.GET('/api/v1/groups'))
}

export function createGroup(name: string, description: string): Promise<Group> {
  return unwrap(client.POST('/api/v1/groups', { body: { name, description } }))
}

export function updateGroup(group: string, name: string, description: string): Promise<Group> {
  return unwrap(client.PATCH('/api/v1/groups/{group_id}', { ...of(group), body: { name, description } }))
}

export async function deleteGroup(group: string): Promise<void> {
  await client.DELETE('/api/v1/groups/{group_id}', of(group))
}

export function listGroupMembers(group: string): Promise<GroupMember[]> {
  return unwrap(client.GET('/api/v1/groups/{group_id}/members', of(group)))
}

export function addGroupMember(group: string, email: string): Promise<GroupMember> {
  return unwrap(
    client.POST('/api/v1/groups/{group_id}/members', { ...of(group), body: { email, manages: false } }),
  )
}

export function putGroupMember(group: string, user: string, manages: boolean): Promise<GroupMember> {
  return unwrap(
    client.PUT('/api/v1/groups/{group_id}/members/{user_id}', { ...seat(group, user), body: { manages } }),
  )
}

export async function removeGroupMember(group: string, user: string): Promise<void> {
  await client.DELETE('/api/v1/groups/{group_id}/members/{user_id}', seat(group, user))
}

export function listProjectGroups(project: string): Promise<GroupGrant[]> {
  return unwrap(client.GET('/api/v1/projects/{project}/groups', { params: { path: { project } } }))
}

export function putProjectGroup(project: string, group: string, role: Role): Promise<GroupGrant> {
  return unwrap(
    client.PUT('/api/v1/projects/{project}/groups/{group_id}', {
      ...grant(project, group),
      body: { role },
    }),
  )
}

export async function removeProjectGroup(project: string, group: string): Promise<void> {
  await client.DELETE('/api/v1/projects/{project}/groups/{group_id}', grant(project, group))
}

const restricted = (project: string, id: string) => ({ params: { path: { project, entity_id: id } } })

export function listRestrictions(project: string): Promise<Restriction[]> {
  return unwrap(client.GET('/api/v1/projects/{project}/restrictions', { params: { path: { project } } }))
}

export function putRestriction(project: string, id: string, body: RestrictionPut): Promise<Restriction> {
  return unwrap(
    client.PUT('/api/v1/projects/{project}/restrictions/{entity_id}', { ...restricted(project, id), body }),
  )
}

export async function liftRestriction(project: string, id: string): Promise<void> {
  await client.DELETE('/api/v1/projects/{project}/restrictions/{entity_id}', restricted(project, id))
}

/** A document, or an attribute by the name of its type and its own, that could be restricted. */
export interface Restrictable {
  id: string
  kind: Restriction['kind']
  name: string
}

export async function listRestrictable(project: string): Promise<Restrictable[]> {
  const params = { path: { project } }
  const [listed, schema] = await Promise.all([
    unwrap(client.GET('/api/v1/projects/{project}/documents', { params })),
    unwrap(client.GET('/api/v1/projects/{project}/schema', { params })),
  ])
  return [
    ...listed.documents.map(({ id, title }) => ({ id, kind: 'document' as const, name: title })),
    ...schema.types.flatMap((type) =>
      type.attributes.map(({ id, name }) => ({
        id,
        kind: 'attribute' as const,
        name: `${type.name} · ${name}`,
      })),
    ),
  ]
}
