import type { Baseline, VerifyReport } from '@/api/types'

/** What verifying a project found, and when. */
export interface Verification {
  report: VerifyReport
  at: string
}

export type Problem = VerifyReport['problems'][number]

/** Whether a problem speaks of a baseline: of its own seal, or of something written up to the version that it names. */
export function concerns(problem: Problem, baseline: Pick<Baseline, 'seq'>): boolean {
  if (problem.what === 'seal') return problem.seq === baseline.seq
  return problem.seq === null || problem.seq <= baseline.seq
}

/** The first thing that disagrees with a baseline; null if everything up to its version agrees. */
export function firstProblem({ report }: Verification, baseline: Pick<Baseline, 'seq'>): Problem | null {
  return report.problems.find((problem) => concerns(problem, baseline)) ?? null
}
