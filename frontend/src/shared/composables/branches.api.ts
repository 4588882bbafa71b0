import { client, unwrap } from '@/api/client'
import type { Branch } from '@/api/types'

export { setWriteBranch } from '@/api/client'

export async function listBranches(project: string): Promise<Branch[]> {
  const answer = await unwrap(
    client.GET('/api/v1/projects/{project}/branches', { params: { path: { project } } }),
  )
  return answer.branches
}
