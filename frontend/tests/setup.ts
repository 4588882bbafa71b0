import { afterEach, beforeEach, expect, vi } from 'vitest'

// A test that logs an error or reaches for the network has failed, whatever it asserted.
beforeEach(() => {
  vi.spyOn(console, 'error')
  vi.spyOn(console, 'warn')
  vi.stubGlobal('fetch', () => {
    throw new Error('a unit test must not reach the network')
  })
})

afterEach(() => {
  expect(console.error).not.toHaveBeenCalled()
  expect(console.warn).not.toHaveBeenCalled()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})
