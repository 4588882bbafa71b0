import { watch, type Ref, type WatchSource } from 'vue'

/**
 * Keeps the focus on the button that moves an entry, when the entry has moved with it. At the end of its way that
 * button is disabled and would lose the focus: the other one takes it.
 */
export function useMoveFocus(list: Readonly<Ref<HTMLElement | null>>, entries: WatchSource) {
  let wanted: { id: string; by: number } | null = null
  watch(
    entries,
    () => {
      if (!wanted) return
      const { id, by } = wanted
      wanted = null
      const found = list.value?.querySelectorAll<HTMLButtonElement>(`[data-entry="${id}"] [data-move]`)
      const buttons = [...(found ?? [])].filter((button) => !button.disabled)
      ;(buttons.find((button) => button.dataset.move === String(by)) ?? buttons[0])?.focus()
    },
    { flush: 'post' },
  )
  return { follow: (id: string, by: number) => (wanted = { id, by }) }
}
