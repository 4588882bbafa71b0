import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { traceParent } from './client'
import { ApiError } from './errors'
import { makeReporter } from './clientErrors'

const fetched = vi.fn((_path: string, _init: RequestInit) =>
  Promise.resolve(new Response(null, { status: 204 })),
)

beforeEach(() => {
  vi.stubGlobal('fetch', fetched)
})

afterEach(() => {
  fetched.mockClear()
})

function reports(): Record<string, unknown>[] {
  return fetched.mock.calls.map(([, init]) => JSON.parse(init.body as string) as Record<string, unknown>)
}

function failure(message: string, place = '/assets/index-Zy_1.js:12:345'): Error {
  const error = new TypeError(message)
  error.stack = `TypeError: ${message}\n    at work (https://host.example${place})\n    at https://host.example/assets/vendor.js:1:2`
  return error
}

it('tells where, and not what', () => {
  const report = makeReporter(() => '/p/:project(\\w+)/:rest(.*)*')
  report('component', failure('what somebody wrote /src/in-a-text.ts:1:1'))
  expect(reports()).toEqual([
    {
      kind: 'component',
      name: 'TypeError',
      frames: ['/assets/index-Zy_1.js:12:345', '/assets/vendor.js:1:2'],
      route: '/p/:project/:rest*',
      request_id: '',
    },
  ])
  const [path, init] = fetched.mock.calls[0] ?? []
  expect(path).toBe('/api/v1/client-errors')
  expect(init?.keepalive).toBe(true)
})

it('tells of each place once, and of few for a page', () => {
  const report = makeReporter(() => '/')
  for (let line = 1; line <= 20; line += 1) {
    const place = `/assets/index.js:${line}:1`
    report('error', failure('one', place))
    report('rejection', failure('another', place))
  }
  expect(reports()).toHaveLength(5)
})

it('says nothing of what was to be expected', () => {
  const report = makeReporter(() => '/')
  report('rejection', new ApiError(404, 'not_found', 'There is none.', 'id', {}))
  report('rejection', new ApiError(0, 'offline', 'The server cannot be reached.', null, {}))
  report('rejection', new DOMException('called off', 'AbortError'))
  report('error', null)
  expect(fetched).not.toHaveBeenCalled()
})

it('names the request that failed, and takes anything that is thrown', () => {
  const report = makeReporter(() => '/')
  const refused = new ApiError(500, 'internal_error', 'Something went wrong.', 'abc-123', {})
  report('rejection', refused)
  report('rejection', 'a text that somebody threw')
  const odd = failure('odd')
  odd.name = 'An odd name: what somebody wrote'
  report('error', odd)
  expect(reports().map(({ name, request_id }) => [name, request_id])).toEqual([
    ['ApiError', 'abc-123'],
    ['NonError', ''],
    ['Error', ''],
  ])
  expect(JSON.stringify(reports())).not.toMatch(/somebody|went wrong/)
})

it('goes on when the server cannot be reached', async () => {
  fetched.mockRejectedValueOnce(new TypeError('Failed to fetch'))
  makeReporter(() => '/')('error', failure('one'))
  await Promise.resolve()
  expect(fetched).toHaveBeenCalledOnce()
})

it('begins a new trace with each request', () => {
  const [one, two] = [traceParent(), traceParent()]
  expect(one).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
  expect(one).not.toBe(two)
})
