import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { ApiError } from './errors'

type Database = typeof import('./database')

const ADDRESS = 'http://localhost/api/v1/me'
let database: Database

function answer(headers: Record<string, string> = {}, status = 200): Response {
  return new Response('{}', { status, headers })
}

function sent(method = 'GET'): string | null {
  const request = new Request(ADDRESS, { method })
  database.prepare(request)
  return request.headers.get('Reqtrail-Position')
}

/** A tab of its own: what it keeps in memory is not shared. */
async function openTab(): Promise<Database> {
  vi.resetModules()
  return import('./database')
}

beforeEach(async () => {
  vi.useFakeTimers()
  localStorage.clear()
  database = await openTab()
})

afterEach(() => {
  vi.useRealTimers()
})

describe('the position of reads', () => {
  it('is the newest that was written, also after a reload and in other tabs', async () => {
    expect(sent()).toBe('0/0')
    database.learn(answer({ 'Reqtrail-Position': '1/FF' }), 'PATCH')
    database.learn(answer({ 'Reqtrail-Position': '0/FFFFFFFF' }), 'PATCH')
    expect(sent()).toBe('1/FF')
    expect(sent('POST')).toBeNull()
    const before = database
    database = await openTab()
    expect(sent()).toBe('1/FF')
    database.learn(answer({ 'Reqtrail-Position': '10/0' }), 'PATCH')
    database = before
    expect(sent()).toBe('10/0')
  })

  it('is forgotten after an hour: no replica that is read is that far behind', () => {
    database.rememberPosition('A/B')
    vi.advanceTimersByTime(3_599_000)
    expect(sent()).toBe('A/B')
    vi.advanceTimersByTime(2_000)
    expect(sent()).toBe('0/0')
  })

  it('is left out for a while when it is not known', () => {
    database.learn(answer({ 'Reqtrail-Position': 'unknown' }), 'PATCH')
    expect(sent()).toBeNull()
    vi.advanceTimersByTime(10_001)
    expect(sent()).toBe('0/0')
  })
})

describe('whether the server can save', () => {
  let heard: boolean[]

  beforeEach(() => {
    heard = []
    database.whenSavingChanges((saves) => heard.push(saves))
  })

  function readiness(...states: string[]): () => number {
    const fetch = vi.fn(() =>
      Promise.resolve(new Response(JSON.stringify({ database: states.shift() ?? 'ok' }))),
    )
    vi.stubGlobal('fetch', fetch)
    return () => fetch.mock.calls.length
  }

  it('is told once, and asked until it can', async () => {
    const asked = readiness('read-only', 'away', 'ok')
    database.learn(answer({ 'Reqtrail-Degraded': 'read-only' }), 'GET')
    database.learn(answer({ 'Reqtrail-Degraded': 'unavailable' }, 503), 'PATCH')
    // A read that some replica answered says nothing of the primary.
    database.learn(answer(), 'GET')
    expect(heard).toEqual([false])
    await vi.advanceTimersByTimeAsync(20_000)
    expect(heard).toEqual([false, true])
    expect(asked()).toBe(3)
  })

  it('is known from a write that was saved', async () => {
    const asked = readiness()
    database.learn(answer({ 'Reqtrail-Degraded': 'read-only' }), 'GET')
    database.learn(answer(), 'PATCH')
    await vi.advanceTimersByTimeAsync(20_000)
    expect(heard).toEqual([false, true])
    expect(asked()).toBe(0)
  })

  it('goes on to ask a server that cannot be reached', async () => {
    const fetch = vi
      .fn()
      .mockRejectedValueOnce(new TypeError('Failed to fetch'))
      .mockResolvedValueOnce(new Response('<html>', { status: 502 }))
      .mockResolvedValue(new Response('{"database":"ok"}'))
    vi.stubGlobal('fetch', fetch)
    database.learn(answer({ 'Reqtrail-Degraded': 'read-only' }), 'GET')
    await vi.advanceTimersByTimeAsync(20_000)
    expect(heard).toEqual([false, true])
  })

  it('holds a save back until it can, and sends it again', async () => {
    readiness('away', 'ok')
    const { ApiError: Refusal } = await import('./errors')
    const refuse = (code: string): ApiError => new Refusal(503, code, 'Away.', null, {})
    const send = vi
      .fn<() => Promise<string>>()
      .mockRejectedValueOnce(refuse('database_unavailable'))
      .mockRejectedValueOnce(refuse('outcome_unknown'))
      .mockResolvedValue('saved')
    const done = vi.fn()
    void database.persistently(send).then(done)
    await vi.advanceTimersByTimeAsync(100)
    expect(done).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(done).toHaveBeenCalledExactlyOnceWith('saved')
    expect(send).toHaveBeenCalledTimes(3)
  })

  it('leaves other refusals to whoever saves', async () => {
    const { ApiError: Refusal } = await import('./errors')
    const refusal = new Refusal(409, 'edit_conflict', 'Conflict.', null, {})
    await expect(database.persistently(() => Promise.reject(refusal))).rejects.toBe(refusal)
    expect(heard).toEqual([])
  })
})
