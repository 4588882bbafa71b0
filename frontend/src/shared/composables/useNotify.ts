import { useToast } from '@nuxt/ui/composables'
import { ApiError } from '@/api/errors'
import { t } from '../i18n'

/** Milliseconds that a notice stays, unless the pointer or the focus rests on it. */
export const NOTICE_MS = 8000

/**
 * Notices in the corner: three at most, polite, paused by pointer and focus. An error told here must be told at its
 * place too.
 */
export function useNotify() {
  const toast = useToast()
  const common = { duration: NOTICE_MS, type: 'background' as const }

  return {
    info(title: string, description?: string): void {
      toast.add({ ...common, title, description, icon: 'i-lucide-check' })
    },
    /** Says what was done and offers to take it back. */
    undoable(title: string, undo: () => unknown): void {
      toast.add({
        ...common,
        title,
        icon: 'i-lucide-check',
        actions: [
          {
            label: t('common.undo.action'),
            icon: 'i-lucide-undo-2',
            color: 'neutral',
            variant: 'outline',
            onClick: () => void undo(),
          },
        ],
      })
    },
    failure(error: unknown, title = t('common.error.title')): void {
      const description = error instanceof Error ? error.message : String(error)
      const request = error instanceof ApiError && error.requestId
      toast.add({
        ...common,
        title,
        description: request ? `${description} (${t('common.error.request', { id: request })})` : description,
        color: 'error',
        icon: 'i-lucide-circle-alert',
      })
    },
  }
}
