import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { inTurn, PATIENCE_MS } from './turns'

beforeEach(() => {
  vi.useFakeTimers()
  localStorage.clear()
  // The DOM of unit tests has no locks; a page that is gone has none either.
  vi.stubGlobal('navigator', {})
})

afterEach(() => {
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

const never = () => new Promise<never>(() => undefined)

it('waits for nobody when the page before was not left in the middle', async () => {
  expect(await inTurn(async () => 1)).toBe(1)
  expect(await inTurn(async () => 2)).toBe(2)
})

it('waits until the request of a page that is gone cannot change the cookie any more', async () => {
  void inTurn(never) // the page is left
  await vi.advanceTimersByTimeAsync(400)
  const work = vi.fn(async () => 'session')
  const renewed = inTurn(work)
  await vi.advanceTimersByTimeAsync(PATIENCE_MS - 401)
  expect(work).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(2)
  expect(await renewed).toBe('session')
})

it('waits too when leaving the page ended its request with an error', async () => {
  await expect(inTurn(() => Promise.reject(new Error('aborted')))).rejects.toThrow('aborted')
  const work = vi.fn(async () => 'session')
  const renewed = inTurn(work)
  await vi.advanceTimersByTimeAsync(PATIENCE_MS - 1)
  expect(work).not.toHaveBeenCalled()
  await vi.advanceTimersByTimeAsync(1)
  expect(await renewed).toBe('session')
})

it('waits no longer than that, whatever the clock says', async () => {
  localStorage.setItem('reqtrail-refresh-begun', String(Date.now() + 86_400_000))
  const renewed = inTurn(async () => 'session')
  await vi.advanceTimersByTimeAsync(PATIENCE_MS)
  expect(await renewed).toBe('session')
})
