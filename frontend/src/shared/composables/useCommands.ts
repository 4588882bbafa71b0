import { tryOnScopeDispose } from '@vueuse/core'
import { computed, shallowReactive } from 'vue'

/** Something a person can do: found in the palette, shown in the shortcut sheet, bound to its shortcut. */
export interface Command {
  id: string
  title: string
  /** Heading in the palette and the shortcut sheet. */
  group: string
  icon?: string
  /** As in shared/lib/shortcuts: `mod+k`, `g h`. */
  shortcut?: string
  /** The shortcut is only shown: the view that owns the focus handles the keys itself. */
  shown?: boolean
  /** Further words that find it in the palette. */
  keywords?: string
  /** Leave out of the palette: it makes sense on a key only. */
  keyOnly?: boolean
  disabled?: boolean
  run: () => unknown
}

const sources = shallowReactive(new Map<symbol, () => readonly Command[]>())

/** Registers commands as long as the calling component lives. `source` is reactive: read refs inside. */
export function useCommands(source: () => readonly Command[]): void {
  const id = Symbol('commands')
  sources.set(id, source)
  tryOnScopeDispose(() => sources.delete(id))
}

/** All commands that can run now; of two with one id the later registered wins. */
export const allCommands = computed<readonly Command[]>(() => {
  const byId = new Map<string, Command>()
  for (const source of sources.values()) for (const command of source()) byId.set(command.id, command)
  return [...byId.values()].filter((command) => !command.disabled)
})

export function runCommand(id: string): void {
  void allCommands.value.find((command) => command.id === id)?.run()
}
