import { ref, type Ref } from 'vue'
import type { LivePerson } from '@/api/live'
import { useHere } from '@/shared/composables/useLive'
import { COLUMN, type OutlineRow } from './outline'

/** Tells the others where one is in a document, and what the places of the others are called. */
export function useOthersInDocument(page: {
  project: Ref<string>
  document: Ref<string>
  documents: Readonly<Ref<readonly { id: string; title: string }[]>>
  rows: Readonly<Ref<readonly OutlineRow[]>>
  focused: Ref<number>
}) {
  /** The attribute that one is editing at the focused row. */
  const edited = ref<string | null>(null)
  useHere(
    () => page.project.value,
    () => ({
      document: page.document.value,
      item: page.rows.value[page.focused.value]?.[COLUMN.item] ?? null,
      attribute: edited.value,
    }),
  )

  function nameOf(person: LivePerson): string | undefined {
    const row = person.item ? page.rows.value.find((one) => one[COLUMN.item] === person.item) : undefined
    return row?.[COLUMN.key] ?? page.documents.value.find((one) => one.id === person.document)?.title
  }

  return { edited, nameOf }
}
