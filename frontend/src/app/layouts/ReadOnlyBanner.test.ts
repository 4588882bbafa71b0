import ui from '@nuxt/ui/vue-plugin'
import { createApp, nextTick } from 'vue'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { learn } from '@/api/database'
import { useAnnouncer } from '@/shared/composables/useAnnouncer'
import ReadOnlyBanner from './ReadOnlyBanner.vue'

afterEach(() => vi.useRealTimers())

describe('the read-only banner', () => {
  it('comes when the server cannot save, and goes by itself when it can', async () => {
    vi.useFakeTimers()
    vi.stubGlobal('fetch', () => Promise.resolve(new Response('{"database":"ok"}')))
    const place = document.createElement('div')
    const app = createApp(ReadOnlyBanner)
    app.use(ui)
    app.mount(place)
    const banner = (): Element | null => place.querySelector('[data-testid="read-only-banner"]')
    expect(banner()).toBeNull()

    learn(new Response('{}', { headers: { 'Reqtrail-Degraded': 'read-only' } }), 'GET')
    await nextTick()
    expect(banner()?.textContent).toContain('Nothing can be saved at present.')
    await vi.advanceTimersByTimeAsync(100)
    expect(useAnnouncer().polite.value).toBe('Nothing can be saved at present.')

    await vi.advanceTimersByTimeAsync(10_000)
    expect(banner()).toBeNull()
    expect(useAnnouncer().polite.value).toBe('Changes are saved again.')
    app.unmount()
  })
})
