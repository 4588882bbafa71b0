import type { App } from 'vue'
import { shallowRef } from 'vue'
import type { Router } from 'vue-router'
import { makeReporter } from '../api/clientErrors'

/** The error that took the current page down, if one did. */
export const fatalError = shallowRef<unknown>(null)

const RELOADED_AT = 'reqtrail-reloaded-at'

/**
 * Catches what nobody else caught: shows it in place of the page, and tells the server of it; a chunk that a newer
 * release replaced reloads once.
 */
export function installErrorHandlers(app: App, router: Router): void {
  const report = makeReporter(() => router.currentRoute.value.matched.at(-1)?.path ?? '/')
  addEventListener('error', (event) => report('error', event.error))
  addEventListener('unhandledrejection', (event) => report('rejection', event.reason))
  app.config.errorHandler = (error, _instance, info) => {
    report('component', error)
    console.error(info, error)
    fatalError.value = error
  }
  router.onError((error: unknown) => {
    if (isMissingChunk(error) && mayReload()) {
      location.reload()
      return
    }
    report('error', error)
    fatalError.value = error
  })
  router.afterEach(() => {
    fatalError.value = null
  })
}

function isMissingChunk(error: unknown): boolean {
  return error instanceof Error && /dynamically imported module|Importing a module script/.test(error.message)
}

/** Once in ten seconds: a chunk that is really gone must not reload for ever. */
function mayReload(): boolean {
  const last = Number(sessionStorage.getItem(RELOADED_AT) ?? 0)
  sessionStorage.setItem(RELOADED_AT, String(Date.now()))
  return Date.now() - last > 10_000
}
