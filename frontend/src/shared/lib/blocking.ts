import { ApiError } from '@/api/errors'

/** What may not be seen, or is not there, as opposed to what could not be read this time. */
const FINAL = [403, 404, 410]

/**
 * Returns the error that takes the place of a page, if there is one. What was read before stays when it cannot be read
 * anew: somebody may be typing there.
 */
export function blocking(error: Error | null, data: unknown): Error | null {
  if (!error) return null
  const isFinal = error instanceof ApiError && FINAL.includes(error.status)
  return data === undefined || isFinal ? error : null
}
