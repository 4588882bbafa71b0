import { toValue, watch, type MaybeRefOrGetter } from 'vue'
import { useAnnouncer } from './useAnnouncer'

/** Names the page in the tab, and announces it when it changes, as a page load would. */
export function usePageTitle(title: MaybeRefOrGetter<string | undefined>): void {
  const { announce } = useAnnouncer()
  watch(
    () => toValue(title),
    (text) => {
      if (!text) return
      document.title = `${text} · Reqtrail`
      announce(text)
    },
    { immediate: true },
  )
}
