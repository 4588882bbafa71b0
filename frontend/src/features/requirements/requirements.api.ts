import { client, unwrap, upload, type Upload } from '@/api/client'
import { persistently } from '@/api/database'
import { ApiError } from '@/api/errors'
import type {
  CommitAnswer,
  FindAnswer,
  HistoryEntry,
  Item,
  ItemAnswer,
  LinksAnswer,
  Operation,
  OutlineAnswer,
  ProjectSchema,
  RowsAnswer,
  UploadedFile,
} from '@/api/types'

export interface Conflict {
  kind: Operation['kind']
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

export async function getOutline({ project, document, at }: Place): Promise<OutlineAnswer> {
  const answer = await unwrap(
    client.GET('/api/v1/projects/{project}/documents/{document_id}/outline', {
      params: { path: { project, document_id: document }, query: { at } },
    }),
  )
  // The client's types turn the tuples of the rows into arrays.
  return answer as unknown as OutlineAnswer
}

export function getRows(
  { project, document, at }: Place,
  offset: number,
  limit: number,
): Promise<RowsAnswer> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/documents/{document_id}/rows', {
      params: { path: { project, document_id: document }, query: { at, offset, limit } },
    }),
  )
}

export function getSchema(project: string, at: string | undefined): Promise<ProjectSchema> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/schema', { params: { path: { project }, query: { at } } }),
  )
}

/** Saves; while the database is away it waits for it, and saves once however often that was sent. */
export function commit(
  project: string,
  base: number | null,
  message: string,
  operations: Operation[],
): Promise<CommitAnswer> {
  const headers = { 'Idempotency-Key': crypto.randomUUID() }
  return persistently(() =>
    unwrap(
      client.POST('/api/v1/projects/{project}/commits', {
        params: { path: { project } },
        body: { base, message, operations },
        headers,
      }),
    ),
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

/** Finds text in all items of a document, whether their rows are read or not. */
export function findInDocument({ project, document, at }: Place, text: string): Promise<FindAnswer> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/find', {
      params: { path: { project }, query: { document, q: text, at } },
    }),
  )
}

export function getItem(project: string, item: string, at: string | undefined): Promise<ItemAnswer> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/items/{item}', {
      params: { path: { project, item }, query: { at } },
    }),
  )
}

export type ListState = 'unplaced' | 'deleted'

/** Lists items by state, or finds some by the beginning of their key or by words. */
export async function listItems(
  project: string,
  query: { state?: ListState; q?: string; cursor?: string; at?: string; limit?: number },
): Promise<{ items: Item[]; next: string | null }> {
  const answer = await unwrap(
    client.GET('/api/v1/projects/{project}/items', { params: { path: { project }, query } }),
  )
  return { items: answer.items, next: answer.next ?? null }
}

export function getLinks(project: string, item: string, at: string | undefined): Promise<LinksAnswer> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/items/{item}/links', {
      params: { path: { project, item }, query: { at } },
    }),
  )
}

export function restoreItem(project: string, item: string, at: string, message: string): Promise<unknown> {
  return unwrap(
    client.POST('/api/v1/projects/{project}/items/{item}/restore', {
      params: { path: { project, item } },
      body: { at, message },
    }),
  )
}

export function uploadFile(project: string, file: File, options: Upload = {}): Promise<UploadedFile> {
  const form = new FormData()
  form.append('file', file)
  return upload(`/api/v1/projects/${encodeURIComponent(project)}/files`, form, options)
}

export function createLink(
  project: string,
  source: string,
  target: string,
  type: string | null,
  message: string,
): Promise<unknown> {
  return unwrap(
    client.POST('/api/v1/projects/{project}/links', {
      params: { path: { project } },
      body: { source_id: source, target_id: target, type_id: type, attributes: {}, message },
    }),
  )
}

export function changeLink(
  project: string,
  link: string,
  attributes: Record<string, unknown>,
  message: string,
): Promise<unknown> {
  return unwrap(
    client.PATCH('/api/v1/projects/{project}/links/{link_id}', {
      params: { path: { project, link_id: link } },
      body: { attributes, message },
    }),
  )
}

export function deleteLink(project: string, link: string, message: string): Promise<unknown> {
  return unwrap(
    client.DELETE('/api/v1/projects/{project}/links/{link_id}', {
      params: { path: { project, link_id: link }, query: { message } },
    }),
  )
}
