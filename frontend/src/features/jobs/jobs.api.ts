import { client, fetchBlob, unwrap } from '@/api/client'
import type { Job, JobPage, JobState } from '@/api/types'

/** Whose jobs: one's own, those of a project, or those of the whole instance. */
export type JobScope = 'own' | 'project' | 'instance'

/** What is searched for; an empty text asks for any. The names are those of the address, too. */
export interface JobSearch {
  state: string
  kind: string
  /** The project whose jobs are listed, and whether only one's own are. */
  project?: string
  mine?: boolean
}

export const STATES: readonly JobState[] = ['queued', 'running', 'done', 'failed', 'dead', 'cancelled']

/** The jobs of a scope, newest first, a page at a time. */
export function listJobs(scope: JobScope, search: JobSearch, cursor?: string): Promise<JobPage> {
  const state = STATES.filter((one) => one === search.state)
  const kind = search.kind ? [search.kind] : undefined
  const query = { cursor, state: state.length > 0 ? state : undefined, kind }
  if (scope === 'instance') return unwrap(client.GET('/api/v1/admin/jobs', { params: { query } }))
  if (scope === 'project') {
    const path = { project: search.project ?? '' }
    const params = { path, query: { ...query, mine: search.mine } }
    return unwrap(client.GET('/api/v1/projects/{project}/jobs', { params }))
  }
  return unwrap(client.GET('/api/v1/jobs', { params: { query } }))
}

export function getJob(project: string, id: string): Promise<Job> {
  const path = { project, job_id: id }
  return unwrap(client.GET('/api/v1/projects/{project}/jobs/{job_id}', { params: { path } }))
}

export function startVerification(project: string): Promise<Job> {
  const path = { project }
  return unwrap(client.POST('/api/v1/projects/{project}/verifications', { params: { path } }))
}

export function cancelJob(scope: JobScope, job: Job): Promise<Job> {
  if (scope === 'instance' || job.project === null) {
    const params = { path: { job_id: job.id } }
    return unwrap(client.POST('/api/v1/admin/jobs/{job_id}/cancel', { params }))
  }
  const params = { path: { project: job.project, job_id: job.id } }
  return unwrap(client.POST('/api/v1/projects/{project}/jobs/{job_id}/cancel', { params }))
}

export function retryJob(scope: JobScope, job: Job): Promise<Job> {
  if (scope === 'instance' || job.project === null) {
    const params = { path: { job_id: job.id } }
    return unwrap(client.POST('/api/v1/admin/jobs/{job_id}/retry', { params }))
  }
  const params = { path: { project: job.project, job_id: job.id } }
  return unwrap(client.POST('/api/v1/projects/{project}/jobs/{job_id}/retry', { params }))
}

/** Returns the file that a job of one's own made. */
export async function downloadResult(job: Job): Promise<File> {
  const base = `/api/v1/projects/${encodeURIComponent(job.project ?? '')}`
  const answer = await fetchBlob(`${base}/jobs/${job.id}/result`)
  const type = job.file?.media_type ?? 'application/octet-stream'
  return new File([await answer.blob()], job.file?.name ?? job.id, { type })
}
