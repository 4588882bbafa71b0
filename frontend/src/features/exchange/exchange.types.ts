export type ImportState =
  'queued' | 'running' | 'dry_run_ready' | 'committing' | 'done' | 'failed' | 'cancelled'

export interface Loss {
  code: string
  message: string
  count: number
  where?: string | null
  examples?: readonly string[]
}

export interface ImportError {
  code: string
  detail: string
  line?: number | null
  object?: string | null
}

export interface ImportJob {
  id: string
  state: ImportState
  phase: string
  done: number
  total: number
  counts: Readonly<Record<string, number>>
  mapping: Readonly<Record<string, unknown>> | readonly unknown[]
  losses: readonly Loss[]
  error: ImportError | null
  commit: { seq: number; commit: string } | null
  file_name: string
  created_at: string
  finished_at: string | null
}

/** Whether the server still works on it. */
export function isRunning(job: Pick<ImportJob, 'state'>): boolean {
  return job.state === 'queued' || job.state === 'running' || job.state === 'committing'
}
