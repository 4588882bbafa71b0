import { client, unwrap } from '@/api/client'
import { ApiError } from '@/api/errors'
import type { CommitAnswer, EditConflict, Operation, ProjectSchema } from '@/api/types'

export function getSchema(project: string, at: string): Promise<ProjectSchema> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/schema', {
      params: { path: { project }, query: at ? { at } : {} },
    }),
  )
}

export function commit(
  project: string,
  base: number | null,
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

/** The conflicts of a refused write, or nothing if it was refused for another reason. */
export function conflictsOf(error: unknown): EditConflict[] {
  return error instanceof ApiError && error.code === 'edit_conflict'
    ? (error.extra.conflicts as EditConflict[])
    : []
}
