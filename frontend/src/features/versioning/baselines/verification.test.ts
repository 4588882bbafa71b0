import { describe, expect, it } from 'vitest'
import { firstProblem, type Problem, type Verification } from './verification'

const problem = (what: string, seq: number | null): Problem => ({
  what,
  detail: what,
  kind: null,
  id: null,
  seq,
})
const found = (...problems: Problem[]): Verification => ({
  report: { ok: problems.length === 0, counts: {}, problems, redacted: [] },
  at: '2026-01-01T00:00:00Z',
})

describe('firstProblem', () => {
  it('names what disagrees up to the version of the baseline', () => {
    const report = found(problem('commit', 9), problem('commit', 3))
    expect(firstProblem(report, { seq: 5 })?.seq).toBe(3)
    expect(firstProblem(report, { seq: 9 })?.seq).toBe(9)
    expect(firstProblem(report, { seq: 2 })).toBeNull()
  })

  it('blames a baseline for its own seal only, and for what has no version', () => {
    expect(firstProblem(found(problem('seal', 3)), { seq: 5 })).toBeNull()
    expect(firstProblem(found(problem('seal', 5)), { seq: 5 })?.what).toBe('seal')
    expect(firstProblem(found(problem('project', null)), { seq: 1 })?.what).toBe('project')
  })
})
