import { client, unwrap } from '@/api/client'
import type {
  CommitList,
  CommitOutcome,
  Comparison,
  Document,
  OutlineAnswer,
  ProjectSchema,
  Ref,
  RestorePreview,
} from '@/api/types'

export const COMMITS_PAGE = 50

export interface CommitQuery {
  before?: number | undefined
  mine?: boolean
}

export function listCommits(project: string, { before, mine }: CommitQuery): Promise<CommitList> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/commits', {
      params: {
        path: { project },
        query: { limit: COMMITS_PAGE, ...(before ? { before } : {}), ...(mine ? { author: 'me' } : {}) },
      },
    }),
  )
}

export function compare(project: string, from: string, to: string): Promise<Comparison> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/compare', {
      params: { path: { project }, query: { from, ...(to ? { to } : {}) } },
    }),
  )
}

export function resolveRef(project: string, ref: string): Promise<Ref> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/refs/resolve', {
      params: { path: { project }, query: ref ? { ref } : {} },
    }),
  )
}

export function revertCommit(project: string, seq: number): Promise<CommitOutcome> {
  return unwrap(
    client.POST('/api/v1/projects/{project}/commits/{seq}/revert', { params: { path: { project, seq } } }),
  )
}

const at = (ref: string) => (ref ? { at: ref } : {})

export function getSchema(project: string, ref: string): Promise<ProjectSchema> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/schema', { params: { path: { project }, query: at(ref) } }),
  )
}

export async function listDocuments(project: string, ref: string): Promise<Document[]> {
  const answer = await unwrap(
    client.GET('/api/v1/projects/{project}/documents', { params: { path: { project }, query: at(ref) } }),
  )
  return answer.documents
}

export async function getOutline(project: string, document: string, ref: string): Promise<OutlineAnswer> {
  const answer = await unwrap(
    client.GET('/api/v1/projects/{project}/documents/{document_id}/outline', {
      params: { path: { project, document_id: document }, query: at(ref) },
    }),
  )
  // The client's types turn the tuples of the rows into arrays.
  return answer as unknown as OutlineAnswer
}

/** What is brought back: a document, a placement with all below it, or an item. */
export type RestoreScope = { document_id: string } | { placement_id: string } | { item: string }

/** What a restore would change on a branch. Nothing is written. */
export function previewRestore(
  project: string,
  branch: string,
  scope: { at: string } & RestoreScope,
): Promise<RestorePreview> {
  return unwrap(
    client.POST('/api/v1/projects/{project}/restore-preview', {
      params: { path: { project }, query: { branch } },
      body: scope,
    }),
  )
}

/** Brings something back to what it was at a version, as a new commit on a branch; without a message it says what. */
export function restore(
  project: string,
  branch: string,
  scope: { at: string } & RestoreScope,
  message: string,
): Promise<CommitOutcome> {
  return unwrap(
    client.POST('/api/v1/projects/{project}/restore', {
      params: { path: { project }, query: { branch } },
      body: { ...scope, message },
    }),
  )
}
