import type { Job } from '@/api/types'
import { t, type MessageKey } from '@/shared/i18n'

interface Kind {
  name: string
  label: MessageKey
  /** Whether it belongs to a project, not to the instance. */
  inProject: boolean
}

const kind = (feature: string, verb: string, label: MessageKey, inProject = true): Kind => ({
  name: `${feature}.${verb}`,
  label,
  inProject,
})

// In two parts: the build takes a text such as `feature.verb` for a message and would bring that feature's words along.
const IMPORT = kind('exchange', 'import', 'jobs.kinds.import')
const EXPORT = kind('exchange', 'export', 'jobs.kinds.export')
const VERIFY = kind('versioning', 'verify', 'jobs.kinds.verify')

/** What workers do. A kind that is not here, as of a newer server, is shown by its own name. */
export const KINDS: readonly Kind[] = [
  EXPORT,
  IMPORT,
  VERIFY,
  kind('versioning', 'merge', 'jobs.kinds.merge'),
  kind('versioning', 'seal', 'jobs.kinds.seal'),
  kind('versioning', 'verify-recent', 'jobs.kinds.verifyRecent', false),
  kind('instance', 'cleanup', 'jobs.kinds.cleanup', false),
  kind('instance', 'partitions', 'jobs.kinds.partitions', false),
]

const PHASES = ['queued', 'running', 'reading', 'checking', 'files', 'writing', 'queueing'] as const

/** Whether a worker still has to do something about it. */
export function isRunning(job: Pick<Job, 'state'>): boolean {
  return job.state === 'queued' || job.state === 'running'
}

/** Whether it has ended and what came of it is known: that is read once the end was told. */
export function isSettled(job: Pick<Job, 'state' | 'kind' | 'result'>): boolean {
  return !isRunning(job) && !(job.state === 'done' && job.kind === VERIFY.name && job.result === null)
}

/** "Export of BRK", or "Cleaning up" for what belongs to no project. */
export function nameOf(job: Pick<Job, 'kind' | 'project'>): string {
  const label = KINDS.find((one) => one.name === job.kind)?.label
  const words = label ? t(label) : job.kind
  return job.project ? t('jobs.name', { kind: words, project: job.project }) : words
}

/** The state in words: of one that ends soon, or that waits after a failure, a word more than its state says. */
export function stateOf(
  job: Pick<Job, 'kind' | 'state' | 'cancel_requested' | 'attempts' | 'finished_at'>,
): string {
  if (isRunning(job) && job.cancel_requested) return t('jobs.states.cancelling')
  if (job.state === 'queued' && job.attempts > 0) return t('jobs.states.again')
  // A dry run is done with, but its import has not ended: somebody has to read the report.
  const waits = job.kind === IMPORT.name && job.state === 'done' && job.finished_at === null
  return t(waits ? 'jobs.states.ready' : `jobs.states.${job.state}`)
}

export interface Progress {
  phase: string
  done: number
  total: number
  unit: 'bytes' | 'things'
  waiting: boolean
}

/** How far one has come, for a bar; null when it has ended. */
export function progressOf(job: Pick<Job, 'state' | 'phase' | 'done' | 'total' | 'kind'>): Progress | null {
  if (!isRunning(job)) return null
  const phase = PHASES.find((one) => one === job.phase) ?? 'running'
  // An export counts what it has written, and nobody knows how much that will be.
  const unit = job.kind === EXPORT.name ? 'bytes' : 'things'
  const waiting = job.state === 'queued'
  return { phase: t(`jobs.phases.${phase}`), done: job.done, total: job.total, unit, waiting }
}

/** "Attempt 2 of 3", of what has not come to a good end yet. An import counts its dry run too, so its number says nothing. */
export function attemptOf(job: Pick<Job, 'kind' | 'state' | 'attempts' | 'most_attempts'>): string {
  if (job.kind === IMPORT.name || job.state === 'done' || job.attempts < 2) return ''
  return t('jobs.attempt', { done: job.attempts, most: job.most_attempts })
}

/** What a verification found, in a sentence. */
export function findingOf(
  job: Pick<Job, 'kind' | 'state' | 'result'>,
): { text: string; bad: boolean } | null {
  if (job.kind !== VERIFY.name || job.state !== 'done' || !job.result) return null
  if (job.result.ok === true) return { text: t('jobs.agrees'), bad: false }
  return { text: t('jobs.disagrees', { n: Number(job.result.problems) || 1 }), bad: true }
}

export interface Offers {
  cancel: boolean
  retry: boolean
  download: boolean
  /** It made a file, which is gone. */
  expired: boolean
  /** It is an import, with a page of its own. */
  open: boolean
}

/** What somebody can do about a job; `mine` says whether they asked for it, `now` is the time in milliseconds. */
export function offersOf(job: Job, mine: boolean, now: number): Offers {
  const isImport = job.kind === IMPORT.name
  const gone = job.expires_at !== null && Date.parse(job.expires_at) <= now
  const file = job.state === 'done' && job.file !== null
  return {
    cancel: !isImport && isRunning(job) && !job.cancel_requested,
    retry: !isImport && (job.state === 'failed' || job.state === 'dead' || job.state === 'cancelled'),
    download: file && mine && job.project !== null && !gone,
    expired: file && gone,
    open: isImport && mine && job.project !== null,
  }
}
