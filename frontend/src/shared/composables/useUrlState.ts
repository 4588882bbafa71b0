import { computed, type WritableComputedRef } from 'vue'
import { useRoute, useRouter } from 'vue-router'

export interface UrlStateOptions {
  /** `push` makes a step that Back undoes; `replace` (the default) does not. */
  history?: 'push' | 'replace'
}

// Several states that change in one tick must not overwrite each other: they collect here and navigate once.
let pending: Record<string, string | null> | null = null

/** A part of the state that is kept in the query of the address. An empty text is the default and not shown. */
export function useUrlState(name: string, options: UrlStateOptions = {}): WritableComputedRef<string> {
  const route = useRoute()
  const router = useRouter()
  return computed({
    get() {
      const value = route.query[name]
      return typeof value === 'string' ? value : ''
    },
    set(value) {
      const isFirst = pending === null
      pending = { ...pending, [name]: value || null }
      if (!isFirst) return
      queueMicrotask(() => {
        const query: Record<string, string> = {}
        for (const [key, text] of Object.entries({ ...route.query, ...pending })) {
          if (typeof text === 'string') query[key] = text
        }
        pending = null
        void router[options.history ?? 'replace']({ query, hash: route.hash })
      })
    },
  })
}
