import { useLocalStorage } from '@vueuse/core'

export interface Preferences {
  /** Whether single keys such as `c` or `?` are shortcuts (WCAG 2.1.4 asks for a way to turn them off). */
  singleKeys: boolean
  /** Whether the navigation is shown beside the page. */
  sidebar: boolean
  compareLayout: 'unified' | 'split'
  projectLayout: 'cards' | 'table'
  /** Whether others see where one is. */
  visible: boolean
}

const stored = useLocalStorage<Preferences>(
  'reqtrail-preferences',
  { singleKeys: true, sidebar: true, compareLayout: 'unified', projectLayout: 'cards', visible: true },
  { mergeDefaults: true },
)

/** What this browser remembers about how its reader likes things. Reactive; writing to it stores it. */
export function usePreferences(): Preferences {
  return stored.value
}
