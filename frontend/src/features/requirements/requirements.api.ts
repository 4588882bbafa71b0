import { ApiError, client, unwrap } from '@/api/client'
import type { components } from '@/api/schema'

export type Item = components['schemas']['ItemRead']
export type Outline = components['schemas']['OutlineAnswer']
export type Row = components['schemas']['RowRead']
export type Rows = components['schemas']['RowsAnswer']
export type Schema = components['schemas']['SchemaAnswer']
export type Operation = components['schemas']['OperationWrite']
export type CommitAnswer = components['schemas']['CommitAnswer']
export type HistoryEntry = components['schemas']['HistoryEntryRead']

export interface Conflict {
  kind: string
  id: string
  key: string | null
  field: string
  field_key: string | null
  base: unknown
  ours: unknown
  theirs: unknown
}

interface Place {
  project: string
  document: string
  at: string | undefined
}

export async function getOutline({ project, document, at }: Place): Promise<Outline> {
  const answer = await unwrap(
    client.GET('/api/v1/projects/{project}/documents/{document_id}/outline', {
      params: { path: { project, document_id: document }, query: { at } },
    }),
  )
  // The client's types turn the tuples of the rows into arrays.
  return answer as unknown as Outline
}

export function getRows({ project, document, at }: Place, offset: number, limit: number): Promise<Rows> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/documents/{document_id}/rows', {
      params: { path: { project, document_id: document }, query: { at, offset, limit } },
    }),
  )
}

export function getSchema(project: string, at: string | undefined): Promise<Schema> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/schema', { params: { path: { project }, query: { at } } }),
  )
}

export function commit(
  project: string,
  base: number,
  message: string,
  operations: Operation[],
): Promise<CommitAnswer> {
  return unwrap(
    client.POST('/api/v1/projects/{project}/commits', {
      params: { path: { project } },
      body: { base, message, operations },
    }),
  )
}

export async function getHistory(project: string, item: string): Promise<HistoryEntry[]> {
  const answer = await unwrap(
    client.GET('/api/v1/projects/{project}/items/{item}/history', { params: { path: { project, item } } }),
  )
  return answer.entries
}

/** The conflicts of a refused save, or nothing if it was refused for another reason. */
export function conflictsOf(error: unknown): Conflict[] {
  return error instanceof ApiError && error.code === 'edit_conflict'
    ? (error.extra.conflicts as Conflict[])
    : []
}
