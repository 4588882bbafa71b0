import type { ImportJob } from '@/api/types'

/** Whether the server still works on it. */
export function isRunning(job: Pick<ImportJob, 'state'>): boolean {
  return job.state === 'queued' || job.state === 'running' || job.state === 'committing'
}

/** What a file holds, in the order in which a reader asks for it. */
export const HELD = [
  'documents',
  'items',
  'placements',
  'links',
  'link_groups',
  'types',
  'attributes',
  'datatypes',
  'attachments',
] as const

/** What becomes of it in the project. */
export const PLANNED = ['created', 'updated', 'unchanged', 'deleted'] as const

export interface CountEntry<Name extends string> {
  name: Name
  number: number
}

/** The counts of an import by `names`; of what a file does not hold nothing is said. */
export function countsOf<Name extends string>(
  counts: Readonly<Record<string, number>>,
  names: readonly Name[],
  keepZero = false,
): CountEntry<Name>[] {
  return names
    .map((name) => ({ name, number: counts[name] ?? 0 }))
    .filter((entry) => keepZero || entry.number > 0)
}
