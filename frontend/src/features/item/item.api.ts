import { client, unwrap } from '@/api/client'
import { persistently } from '@/api/database'
import { ApiError } from '@/api/errors'
import type {
  BlameAnswer,
  EditConflict,
  HistoryEntry,
  Item,
  ItemAnswer,
  ProjectSchema,
  RedactionOutcome,
} from '@/api/types'

const version = (at: string) => (at ? { at } : {})

export function getItem(project: string, item: string, at: string): Promise<ItemAnswer> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/items/{item}', {
      params: { path: { project, item }, query: version(at) },
    }),
  )
}

export function getSchema(project: string, at: string): Promise<ProjectSchema> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/schema', {
      params: { path: { project }, query: version(at) },
    }),
  )
}

/** The versions of an item up to `at`, newest first. */
export async function getHistory(project: string, item: string, at: string): Promise<HistoryEntry[]> {
  const answer = await unwrap(
    client.GET('/api/v1/projects/{project}/items/{item}/history', {
      params: { path: { project, item }, query: version(at) },
    }),
  )
  return answer.entries
}

/** Who wrote which words of an attribute, as it reads at `at`. */
export function getBlame(project: string, item: string, attribute: string, at: string): Promise<BlameAnswer> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/items/{item}/blame', {
      params: { path: { project, item }, query: { attribute, ...version(at) } },
    }),
  )
}

/**
 * Changes one attribute, seen from version `base`; null overwrites what others wrote. While the database is away it
 * waits for it.
 */
export async function setAttribute(
  project: string,
  item: string,
  base: number | null,
  attribute: string,
  value: unknown,
  message: string,
): Promise<Item> {
  const headers = { 'Idempotency-Key': crypto.randomUUID() }
  const answer = await persistently(() =>
    unwrap(
      client.PATCH('/api/v1/projects/{project}/items/{item}', {
        params: { path: { project, item } },
        body: { attributes: { [attribute]: value }, base, message },
        headers,
      }),
    ),
  )
  return answer.item
}

export function deleteItem(project: string, item: string, base: number, message: string): Promise<unknown> {
  return unwrap(
    client.DELETE('/api/v1/projects/{project}/items/{item}', {
      params: { path: { project, item }, query: { base, message } },
    }),
  )
}

/** Brings an item back to its state at a version, as a new commit. */
export function restoreItem(project: string, item: string, at: number, message: string): Promise<unknown> {
  return unwrap(
    client.POST('/api/v1/projects/{project}/items/{item}/restore', {
      params: { path: { project, item } },
      body: { at: String(at), message },
    }),
  )
}

/** Removes what versions of an item hold, for good and on every branch. */
export function redact(
  project: string,
  item: string,
  reason: string,
  sequences: number[],
): Promise<RedactionOutcome> {
  return unwrap(
    client.POST('/api/v1/projects/{project}/redactions', {
      params: { path: { project } },
      body: { entity_id: item, reason, sequences, holding: '' },
    }),
  )
}

/** The conflicts of a refused save, or nothing if it was refused for another reason. */
export function conflictsOf(error: unknown): EditConflict[] {
  return error instanceof ApiError && error.code === 'edit_conflict'
    ? (error.extra.conflicts as EditConflict[])
    : []
}
