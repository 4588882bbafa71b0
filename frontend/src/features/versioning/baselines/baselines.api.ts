import { client, unwrap } from '@/api/client'
import type { Baseline, VerifyReport } from '@/api/types'

export async function listBaselines(project: string): Promise<Baseline[]> {
  const answer = await unwrap(
    client.GET('/api/v1/projects/{project}/baselines', { params: { path: { project } } }),
  )
  return answer.baselines
}

export function createBaseline(project: string, name: string, ref: string): Promise<Baseline> {
  return unwrap(
    client.POST('/api/v1/projects/{project}/baselines', {
      params: { path: { project } },
      body: { name, ref: ref || null, description: '' },
    }),
  )
}

/** Computes every hash, chain and seal of the project again from what is stored. It reads the whole project. */
export function verifyProject(project: string): Promise<VerifyReport> {
  return unwrap(client.POST('/api/v1/projects/{project}/verify', { params: { path: { project } } }))
}
