import { createSharedComposable, useColorMode } from '@vueuse/core'
import type { WritableComputedRef } from 'vue'
import { computed } from 'vue'

export type Theme = 'light' | 'dark' | 'auto'

/** Light, dark, or as the system says; shared by all and remembered. public/theme.js applies it before the first paint. */
export const useTheme = createSharedComposable(
  (): { theme: WritableComputedRef<Theme>; toggle: () => void } => {
    // Turning transitions off for the switch would need an inline style, which the server's policy forbids.
    const mode = useColorMode({ storageKey: 'reqtrail-theme', emitAuto: true, disableTransition: false })
    const theme = computed<Theme>({
      get: () => mode.value,
      set: (value) => {
        mode.value = value
      },
    })
    const toggle = () => {
      mode.value = mode.state.value === 'dark' ? 'light' : 'dark'
    }
    return { theme, toggle }
  },
)
