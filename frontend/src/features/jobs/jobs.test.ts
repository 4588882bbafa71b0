import { describe, expect, it } from 'vitest'
import type { Job } from '@/api/types'
import { attemptOf, findingOf, nameOf, offersOf, progressOf, stateOf } from './jobs'

const NOW = Date.parse('2026-11-29T12:00:00Z')
const job: Job = {
  id: '0190a5a0-0000-7000-8000-000000000000',
  project: 'BRK',
  kind: 'exchange.export',
  state: 'running',
  phase: 'writing',
  done: 1_400_000,
  total: 0,
  author: { id: '0190a5a0-0000-7000-8000-000000000001', display_name: 'Ada' },
  attempts: 1,
  most_attempts: 3,
  error: null,
  result: null,
  file: null,
  cancel_requested: false,
  created_at: '2026-11-29T11:59:00Z',
  run_at: '2026-11-29T11:59:00Z',
  started_at: '2026-11-29T11:59:01Z',
  finished_at: null,
  expires_at: null,
}
const file = { name: 'BRK.reqifz', media_type: 'application/zip', size: 12 }
const done: Job = { ...job, state: 'done', file, expires_at: '2026-12-06T12:00:00Z' }
const offered = (of: Job, mine = true): string[] =>
  Object.entries(offersOf(of, mine, NOW)).flatMap(([name, is]) => (is ? [name] : []))

describe('what a job is called', () => {
  it('says its kind and its project', () => {
    expect(nameOf(job)).toBe('Export of BRK')
    expect(nameOf({ kind: 'instance.cleanup', project: null })).toBe('Cleaning up')
    expect(nameOf({ kind: 'reports.print', project: 'BRK' })).toBe('reports.print of BRK')
  })

  it('says more than its state while it is being cancelled, or waits after a failure', () => {
    expect(stateOf(job)).toBe('Running')
    expect(stateOf({ ...job, cancel_requested: true })).toBe('Being cancelled')
    expect(stateOf({ ...job, state: 'cancelled', cancel_requested: true })).toBe('Cancelled')
    expect(stateOf({ ...job, state: 'queued', attempts: 0 })).toBe('Waiting')
    expect(stateOf({ ...job, state: 'queued' })).toBe('Waiting to try again')
    expect(stateOf({ ...job, state: 'dead' })).toBe('Given up')
    const read = { ...job, kind: 'exchange.import', state: 'done' as const }
    expect(stateOf(read)).toBe('Ready to import')
    expect(stateOf({ ...read, finished_at: job.created_at })).toBe('Done')
  })
})

describe('the attempts of a job', () => {
  it('are told from the second on, until it is done', () => {
    expect(attemptOf(job)).toBe('')
    expect(attemptOf({ ...job, state: 'dead', attempts: 3 })).toBe('Attempt 3 of 3')
    expect(attemptOf({ ...done, attempts: 2 })).toBe('')
    expect(attemptOf({ ...job, kind: 'exchange.import', attempts: 2 })).toBe('')
  })
})

describe('the progress of a job', () => {
  it('counts bytes of an export and things of all else', () => {
    expect(progressOf(job)).toEqual({
      phase: 'Writing',
      done: 1_400_000,
      total: 0,
      unit: 'bytes',
      waiting: false,
    })
    const reading = { ...job, kind: 'exchange.import', phase: 'reading', done: 5, total: 10 }
    expect(progressOf(reading)).toMatchObject({ phase: 'Reading', done: 5, total: 10, unit: 'things' })
    expect(progressOf({ ...job, state: 'queued', phase: 'queued' })).toMatchObject({ waiting: true })
  })

  it('has words for a phase that it does not know, and ends with the job', () => {
    expect(progressOf({ ...job, phase: 'polishing' })?.phase).toBe('Beginning')
    expect(progressOf(done)).toBeNull()
  })
})

describe('what can be done about a job', () => {
  it('depends on its state', () => {
    expect(offered(job)).toEqual(['cancel'])
    expect(offered({ ...job, cancel_requested: true })).toEqual([])
    for (const state of ['failed', 'dead', 'cancelled'] as const)
      expect(offered({ ...job, state })).toEqual(['retry'])
  })

  it('is a download for whoever asked, while it lasts', () => {
    expect(offered(done)).toEqual(['download'])
    expect(offered(done, false)).toEqual([])
    expect(offered({ ...done, expires_at: '2026-11-29T11:59:59Z' })).toEqual(['expired'])
  })

  it('is only to look, of an import', () => {
    expect(offered({ ...job, kind: 'exchange.import' })).toEqual(['open'])
    expect(offered({ ...job, kind: 'exchange.import', state: 'failed' }, false)).toEqual([])
  })
})

describe('what a verification found', () => {
  it('is said in a sentence once it is done', () => {
    const verified = { ...done, kind: 'versioning.verify', result: { ok: true, problems: 0 } }
    expect(findingOf(verified)).toEqual({ text: 'Everything agrees with its hashes.', bad: false })
    expect(findingOf({ ...verified, result: { ok: false, problems: 3 } })).toEqual({
      text: '3 things disagree: read the report.',
      bad: true,
    })
    expect(findingOf({ ...verified, state: 'running' })).toBeNull()
    expect(findingOf(done)).toBeNull()
  })
})
