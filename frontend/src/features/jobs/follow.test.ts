import { QueryClient, VueQueryPlugin } from '@tanstack/vue-query'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createApp, nextTick, type App, type Ref } from 'vue'
import { keys } from '@/api/keys'
import type { LiveMessage, LiveState } from '@/api/live'
import type { Job, JobPage } from '@/api/types'

const live = vi.hoisted(() => ({
  hearers: new Set<(message: LiveMessage) => void>(),
  sent: [] as Record<string, unknown>[],
  state: null as Ref<LiveState> | null,
}))
vi.mock('@/shared/composables/useLive', async () => {
  const vue = await import('vue')
  live.state = vue.ref<LiveState>('open')
  return {
    hearLive: (hearer: (message: LiveMessage) => void) => {
      live.hearers.add(hearer)
      return () => live.hearers.delete(hearer)
    },
    sendLive: (message: Record<string, unknown>) => live.sent.push(message),
    useLiveState: () => live.state,
  }
})
const api = vi.hoisted(() => ({ listJobs: vi.fn<() => Promise<JobPage>>() }))
vi.mock('./jobs.api', () => api)

import { useJobs } from './useJobs'

const running: Job = {
  id: '1',
  project: 'BRK',
  kind: 'exchange.export',
  state: 'running',
  phase: 'writing',
  done: 1,
  total: 0,
  author: null,
  attempts: 1,
  most_attempts: 3,
  error: null,
  result: null,
  file: null,
  cancel_requested: false,
  created_at: '2026-11-29T11:59:00Z',
  run_at: '2026-11-29T11:59:00Z',
  started_at: '2026-11-29T11:59:01Z',
  finished_at: null,
  expires_at: null,
}
const FOLLOWING: LiveMessage = { type: 'following', jobs: 'own', project: null }
const search = { state: '', kind: '' }
let cache: QueryClient
let app: App | null = null
let listed: Job[]

const say = (message: LiveMessage): void => live.hearers.forEach((hearer) => hearer(message))
const news = (more: Partial<Job>): void => {
  say({ type: 'job', project: 'BRK', job: { ...running, ...more } })
}
const pass = (milliseconds: number) => vi.advanceTimersByTimeAsync(milliseconds)
const asked = (): number => api.listJobs.mock.calls.length
const shown = (): Job[] =>
  cache.getQueryData<{ pages: JobPage[] }>(keys.jobs('own', search))?.pages.flatMap((page) => page.jobs) ?? []

function leave(): void {
  app?.unmount()
  app = null
}

beforeEach(async () => {
  vi.useFakeTimers()
  live.sent.length = 0
  listed = [running]
  api.listJobs.mockReset().mockImplementation(() => Promise.resolve({ jobs: listed, next: null }))
  cache = new QueryClient()
  app = createApp({ setup: () => (useJobs('own', search), () => null) })
  app.use(VueQueryPlugin, { queryClient: cache })
  app.mount(document.createElement('div'))
  await pass(10)
})
afterEach(async () => {
  leave()
  await pass(2_000)
  cache.clear()
  vi.useRealTimers()
})

describe('jobs that are followed', () => {
  it('are asked for until the server tells of them, and again when it does no more', async () => {
    expect(live.sent).toEqual([{ type: 'follow', jobs: 'own', project: null }])
    expect(asked()).toBe(1)
    await pass(3_100)
    expect(asked()).toBe(2)
    say(FOLLOWING)
    await pass(1_100)
    // What was shown may be older than what is told from here on.
    expect(asked()).toBe(3)
    await pass(20_000)
    expect(asked()).toBe(3)
    say({ type: 'unfollowed', jobs: 'own', project: null, code: 'token_limited' })
    await pass(3_100)
    expect(asked()).toBe(4)
    say(FOLLOWING)
    await pass(3_100)
    if (live.state) live.state.value = 'waiting'
    const before = asked()
    await pass(3_100)
    expect(asked()).toBe(before + 1)
    if (live.state) live.state.value = 'open'
    say({ type: 'welcome', socket: '2', user_id: 'me' })
    expect(live.sent.filter((one) => one.type === 'follow')).toHaveLength(2)
  })

  it('get on without a request, and are read when they end or are new', async () => {
    say(FOLLOWING)
    await pass(1_100)
    const before = asked()
    for (const done of [2, 3, 4]) {
      news({ done })
      expect(shown()[0]?.done).toBe(done)
    }
    await pass(5_000)
    expect(asked()).toBe(before)
    listed = [{ ...running, state: 'done', file: { name: 'x', media_type: 'y', size: 1 } }]
    news({ state: 'done' })
    expect(shown()[0]).toMatchObject({ state: 'done', file: null })
    await pass(1_100)
    expect(asked()).toBe(before + 1)
    expect(shown()[0]?.file?.name).toBe('x')
    // One that is new, or that no filter shows, is a reason to read once, however often it gets on.
    for (const done of [1, 2, 3, 4]) {
      news({ id: '2', done })
      await pass(1_100)
    }
    expect(asked()).toBe(before + 2)
  })

  it('are read once a second at most, and unfollowed in the end', async () => {
    say(FOLLOWING)
    await pass(1_100)
    const before = asked()
    for (let id = 10; id < 60; id += 1) {
      news({ id: String(id) })
      await pass(50)
    }
    expect(asked() - before).toBeGreaterThanOrEqual(2)
    expect(asked() - before).toBeLessThanOrEqual(4)
    leave()
    await nextTick()
    expect(live.sent.at(-1)).toEqual({ type: 'unfollow', jobs: 'own', project: null })
    expect(live.hearers.size).toBe(0)
  })
})
