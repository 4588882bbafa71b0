import { QueryClient } from '@tanstack/vue-query'
import { ApiError } from '@/api/errors'

/** What the server answered is kept fresh by writes, not by the clock: a stale view refreshes when it is focused again. */
export function makeQueryClient(): QueryClient {
  return new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 15_000,
        retry: (failures, error) => failures < 2 && isPassing(error),
        retryDelay: (attempt) => Math.min(500 * 2 ** attempt, 4000),
        networkMode: 'always',
      },
      mutations: { networkMode: 'always', retry: false },
    },
  })
}

/** Whether the same request may succeed in a moment. */
function isPassing(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || [502, 503, 504].includes(error.status))
}
