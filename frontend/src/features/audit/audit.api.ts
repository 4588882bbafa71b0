import { client, fetchBlob, unwrap } from '@/api/client'
import type { AuditPage, AuditReport, AuditSeal } from '@/api/types'

/** What is searched for; an empty text asks for any. The names are those of the address, too. */
export interface AuditSearch {
  q: string
  action: string
  outcome: string
  actor: string
  subject: string
  /** Days in the reader's time zone, both included: 2026-11-28. */
  since: string
  until: string
}

export type AuditFormat = 'csv' | 'jsonl'

const DAY = /^\d{4}-\d{2}-\d{2}$/

/** The moment at which a day begins for the reader, `later` days on. */
function startOf(text: string, later = 0): string | undefined {
  if (!DAY.test(text)) return undefined
  const day = new Date(`${text}T00:00`)
  if (Number.isNaN(day.getTime())) return undefined
  day.setDate(day.getDate() + later)
  return day.toISOString()
}

/** The search as the server takes it. */
export function queryOf(search: AuditSearch) {
  const outcome: 'done' | 'refused' | undefined =
    search.outcome === 'done' || search.outcome === 'refused' ? search.outcome : undefined
  return {
    q: search.q || undefined,
    action: search.action || undefined,
    actor: search.actor || undefined,
    subject: search.subject || undefined,
    outcome,
    since: startOf(search.since),
    until: startOf(search.until, 1),
  }
}

/** The events of a project, or with an empty key those of the instance and all projects. */
export function listEvents(project: string, search: AuditSearch, cursor?: string): Promise<AuditPage> {
  const query = { ...queryOf(search), cursor }
  if (!project) return unwrap(client.GET('/api/v1/audit', { params: { query } }))
  const path = { project }
  return unwrap(client.GET('/api/v1/projects/{project}/audit', { params: { path, query } }))
}

export function getSeal(project: string): Promise<AuditSeal> {
  if (!project) return unwrap(client.GET('/api/v1/audit/seal'))
  return unwrap(client.GET('/api/v1/projects/{project}/audit/seal', { params: { path: { project } } }))
}

export function verify(project: string): Promise<AuditReport> {
  if (!project) return unwrap(client.POST('/api/v1/audit/verify'))
  return unwrap(client.POST('/api/v1/projects/{project}/audit/verify', { params: { path: { project } } }))
}

/** Returns what the search finds, as a file. */
export async function downloadEvents(
  project: string,
  search: AuditSearch,
  format: AuditFormat,
): Promise<File> {
  const given = Object.entries({ ...queryOf(search), format }).filter(([, value]) => value)
  const query = new URLSearchParams(given as [string, string][])
  const base = project ? `/api/v1/projects/${encodeURIComponent(project)}/audit` : '/api/v1/audit'
  const answer = await fetchBlob(`${base}/export?${query}`)
  const name = `audit-${project || 'instance'}.${format}`
  return new File([await answer.blob()], name)
}
