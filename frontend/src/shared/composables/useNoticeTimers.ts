import { useToast } from '@nuxt/ui/composables'
import { nextTick, watch } from 'vue'

/**
 * Lets each new notice count its seconds. A notice that goes while the pointer or the focus is in it (as when its Undo
 * is pressed) leaves the timers of those after it paused, because nothing ever leaves an element that is gone.
 */
export function useNoticeTimers(): void {
  const { toasts } = useToast()
  watch(
    () => toasts.value.length,
    async (now, before) => {
      if (now <= before) return
      await nextTick()
      const list = document.querySelector('ol[data-slot=viewport]')
      if (list && !list.matches(':hover')) list.dispatchEvent(new PointerEvent('pointerleave'))
    },
  )
}
