import { ApiError } from './errors'
import type { components } from './schema'

type Report = components['schemas']['ClientError']

const MOST = 5
const MOST_FRAMES = 20
const NAME = /^[A-Za-z]\w{0,63}$/
const PLACE = /\/(?:assets|src)\/[\w./-]{1,120}:\d{1,7}:\d{1,7}/g

/**
 * Returns what tells the server of an error: each place once, and few for a page. `route` says the pattern of the
 * address. Messages stay here: they may hold what somebody wrote.
 */
export function makeReporter(route: () => string): (kind: Report['kind'], error: unknown) => void {
  const told = new Set<string>()
  return (kind, error) => {
    if (told.size >= MOST || isExpected(error)) return
    const name = error instanceof Error ? error.name : 'NonError'
    const frames = error instanceof Error ? placesOf(error) : []
    const key = `${name} ${frames[0] ?? kind}`
    if (told.has(key)) return
    told.add(key)
    const report: Report = {
      kind,
      name: NAME.test(name) ? name : 'Error',
      frames,
      // What a pattern allows in a place, in parentheses, is of no use to a reader.
      route: route()
        .replace(/\([^)]*\)/g, '')
        .slice(0, 120),
      request_id: error instanceof ApiError ? (error.requestId ?? '') : '',
    }
    // keepalive: a page that is about to go away says it all the same.
    void fetch('/api/v1/client-errors', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(report),
      keepalive: true,
    }).catch(() => undefined)
  }
}

/** A refusal that the server explained, a server that cannot be reached, and what was called off are no errors of ours. */
function isExpected(error: unknown): boolean {
  if (error instanceof ApiError) return error.status < 500
  // Without an object it is a notice of the browser, or of a script that is not ours.
  return error == null || (error instanceof DOMException && error.name === 'AbortError')
}

function placesOf(error: Error): string[] {
  // A stack begins with the message in some browsers.
  return ((error.stack ?? '').replace(error.message, '').match(PLACE) ?? []).slice(0, MOST_FRAMES)
}
