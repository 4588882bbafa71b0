import { useMutation, useQueryClient } from '@tanstack/vue-query'
import { toValue, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import type { Document } from '@/api/types'
import { useNotify } from '@/shared/composables/useNotify'
import { t } from '@/shared/i18n'
import { inTurn } from '@/shared/lib/turns'
import { updateDocument, type DocumentPatch } from './projects.api'

interface Change {
  document: Document
  patch: DocumentPatch
  /** Whether to say what was done, and offer to take it back. */
  told?: boolean
}

/** Renaming and archiving documents: shown at once, rolled back and explained when refused, and undoable. */
export function useDocumentWrites(project: MaybeRefOrGetter<string>) {
  const cache = useQueryClient()
  const notify = useNotify()
  const listKey = () => keys.documents(toValue(project))

  const refresh = () =>
    Promise.all([
      cache.invalidateQueries({ queryKey: keys.at(toValue(project)) }),
      cache.invalidateQueries({ queryKey: keys.log(toValue(project)) }),
    ])

  const { mutate } = useMutation({
    mutationFn: ({ document, patch }: Change) =>
      inTurn(toValue(project), () => updateDocument(toValue(project), document.id, patch)),
    onMutate: async ({ document, patch }: Change) => {
      await cache.cancelQueries({ queryKey: listKey() })
      const before = cache.getQueryData<Document[]>(listKey())
      cache.setQueryData<Document[]>(listKey(), (list) =>
        list?.map((entry) => (entry.id === document.id ? { ...entry, ...patch } : entry)),
      )
      return { before }
    },
    // Here and not at the call: an archived document takes its row, and with it the caller, away.
    onSuccess: (_answer, { document, patch, told }) => {
      if (!told) return
      const text = patch.archived ? 'projects.home.archived' : 'projects.home.restored'
      notify.undoable(t(text, { title: document.title }), () =>
        mutate({ document, patch: { archived: !patch.archived } }),
      )
    },
    onError: (error, _change, context) => {
      cache.setQueryData(listKey(), context?.before)
      notify.failure(error)
    },
    onSettled: refresh,
  })

  function rename(document: Document, title: string): void {
    if (!title || title === document.title) return
    mutate({ document, patch: { title } })
  }

  function setArchived(document: Document, archived: boolean): void {
    mutate({ document, patch: { archived }, told: true })
  }

  return { rename, setArchived, refresh }
}
