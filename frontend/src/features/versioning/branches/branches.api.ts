import { client, unwrap } from '@/api/client'
import type { Branch, CommitOutcome, MergePreview, Resolution } from '@/api/types'

export type Direction = MergePreview['direction'] & ('update' | 'merge')

export function createBranch(project: string, name: string, ref: string): Promise<Branch> {
  return unwrap(
    client.POST('/api/v1/projects/{project}/branches', {
      params: { path: { project } },
      body: { name, ref: ref || null },
    }),
  )
}

/** Renames a branch, or says who may write to it. */
export function changeBranch(
  project: string,
  branch: string,
  change: { name: string } | { protected: boolean },
): Promise<Branch> {
  return unwrap(
    client.PATCH('/api/v1/projects/{project}/branches/{branch_id}', {
      params: { path: { project, branch_id: branch } },
      body: change,
    }),
  )
}

export function closeBranch(project: string, branch: string, discard: boolean): Promise<Branch> {
  return unwrap(
    client.POST('/api/v1/projects/{project}/branches/{branch_id}/close', {
      params: { path: { project, branch_id: branch }, query: { discard } },
    }),
  )
}

export function previewMerge(
  project: string,
  branch: string,
  direction: Direction,
  resolutions: readonly Resolution[],
): Promise<MergePreview> {
  return unwrap(
    client.POST('/api/v1/projects/{project}/branches/{branch_id}/merge-preview', {
      params: { path: { project, branch_id: branch } },
      body: { direction, resolutions: [...resolutions] },
    }),
  )
}

/** Writes the merge that `preview` showed; refused if one of the sides moved since. */
export function merge(
  project: string,
  branch: string,
  preview: MergePreview,
  resolutions: readonly Resolution[],
  message: string,
): Promise<CommitOutcome> {
  return unwrap(
    client.POST('/api/v1/projects/{project}/branches/{branch_id}/merge', {
      params: { path: { project, branch_id: branch } },
      body: {
        direction: preview.direction as Direction,
        resolutions: [...resolutions],
        message,
        branch_seq: preview.branch_seq,
        parent_seq: preview.parent_seq,
      },
    }),
  )
}
