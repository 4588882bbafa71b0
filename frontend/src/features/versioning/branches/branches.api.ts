import { client, unwrap } from '@/api/client'
import type { Branch, CommitOutcome, Job, MergeJob, MergePreview, Resolution } from '@/api/types'

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

function askedFor(preview: MergePreview, resolutions: readonly Resolution[], message: string) {
  return {
    direction: preview.direction as Direction,
    resolutions: [...resolutions],
    message,
    branch_seq: preview.branch_seq,
    parent_seq: preview.parent_seq,
  }
}

/** Writes the merge that `preview` showed; refused if one of the sides moved since. */
export async function merge(
  project: string,
  branch: string,
  preview: MergePreview,
  resolutions: readonly Resolution[],
  message: string,
): Promise<CommitOutcome> {
  const answer = await unwrap(
    client.POST('/api/v1/projects/{project}/branches/{branch_id}/merge', {
      params: { path: { project, branch_id: branch } },
      body: askedFor(preview, resolutions, message),
    }),
  )
  return answer as CommitOutcome
}

/** Has a worker write the merge that `preview` showed. */
export async function startMerge(
  project: string,
  branch: string,
  preview: MergePreview,
  resolutions: readonly Resolution[],
  message: string,
): Promise<Job> {
  const answer = await unwrap(
    client.POST('/api/v1/projects/{project}/branches/{branch_id}/merge', {
      params: { path: { project, branch_id: branch }, header: { prefer: 'respond-async' } },
      body: askedFor(preview, resolutions, message),
    }),
  )
  return answer as Job
}

/** The merges of a branch that workers do or did, newest first, with what was asked for. */
export async function listMergeJobs(project: string, branch: string): Promise<MergeJob[]> {
  const params = { path: { project, branch_id: branch } }
  const answer = await unwrap(
    client.GET('/api/v1/projects/{project}/branches/{branch_id}/merge-jobs', { params }),
  )
  return answer.merges
}

export function cancelMerge(project: string, id: string): Promise<Job> {
  const params = { path: { project, job_id: id } }
  return unwrap(client.POST('/api/v1/projects/{project}/jobs/{job_id}/cancel', { params }))
}
