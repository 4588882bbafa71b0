import { client, unwrap } from '@/api/client'
import type { CommitList, Document, Item, Member, MemberInvitation, Project, Role } from '@/api/types'

const at = (project: string) => ({ params: { path: { project } } })

export function listProjects(): Promise<Project[]> {
  return unwrap(client.GET('/api/v1/projects'))
}

export function getProject(project: string): Promise<Project> {
  return unwrap(client.GET('/api/v1/projects/{project}', at(project)))
}

export interface NewProject {
  key: string
  name: string
  description: string
}

export function createProject(project: NewProject): Promise<Project> {
  return unwrap(client.POST('/api/v1/projects', { body: project }))
}

export type ProjectPatch = Partial<Pick<Project, 'name' | 'description' | 'archived'>>

export function updateProject(project: string, patch: ProjectPatch): Promise<Project> {
  return unwrap(client.PATCH('/api/v1/projects/{project}', { ...at(project), body: patch }))
}

export async function listDocuments(project: string, ref: string): Promise<Document[]> {
  const answer = await unwrap(
    client.GET('/api/v1/projects/{project}/documents', {
      params: { path: { project }, query: ref ? { at: ref } : {} },
    }),
  )
  return answer.documents
}

export function createDocument(project: string, title: string): Promise<Document> {
  return unwrap(client.POST('/api/v1/projects/{project}/documents', { ...at(project), body: { title } }))
}

export interface DocumentPatch {
  title?: string
  archived?: boolean
}

export function updateDocument(project: string, document: string, patch: DocumentPatch): Promise<Document> {
  return unwrap(
    client.PATCH('/api/v1/projects/{project}/documents/{document_id}', {
      params: { path: { project, document_id: document } },
      body: patch,
    }),
  )
}

export function recentCommits(project: string, limit: number): Promise<CommitList> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/commits', { params: { path: { project }, query: { limit } } }),
  )
}

export function listMembers(project: string): Promise<Member[]> {
  return unwrap(client.GET('/api/v1/projects/{project}/members', at(project)))
}

export function putMember(project: string, userId: string, role: Role): Promise<Member> {
  return unwrap(
    client.PUT('/api/v1/projects/{project}/members/{user_id}', {
      params: { path: { project, user_id: userId } },
      body: { role },
    }),
  )
}

export async function removeMember(project: string, userId: string): Promise<void> {
  await client.DELETE('/api/v1/projects/{project}/members/{user_id}', {
    params: { path: { project, user_id: userId } },
  })
}

/** The first items whose key begins with, or whose text holds, `text`. */
export async function findItems(
  project: string,
  text: string,
  options: { at: string; limit: number; signal: AbortSignal },
): Promise<Item[]> {
  const answer = await unwrap(
    client.GET('/api/v1/projects/{project}/items', {
      params: {
        path: { project },
        query: { q: text, limit: options.limit, ...(options.at ? { at: options.at } : {}) },
      },
      signal: options.signal,
    }),
  )
  return answer.items
}

export function listMemberInvitations(project: string): Promise<MemberInvitation[]> {
  return unwrap(client.GET('/api/v1/projects/{project}/invitations', at(project)))
}

export function inviteMember(project: string, email: string, role: Role): Promise<MemberInvitation> {
  return unwrap(
    client.POST('/api/v1/projects/{project}/invitations', { ...at(project), body: { email, role } }),
  )
}

export async function withdrawMemberInvitation(project: string, id: string): Promise<void> {
  await client.DELETE('/api/v1/projects/{project}/invitations/{invitation_id}', {
    params: { path: { project, invitation_id: id } },
  })
}
