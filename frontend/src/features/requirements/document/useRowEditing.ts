import { shallowRef, watch, type Ref } from 'vue'
import type { Item } from '@/api/types'
import { useNotify } from '@/shared/composables/useNotify'
import { t } from '@/shared/i18n'
import { takeTyped } from '../richtext/typeahead'
import type { Onward } from '../values/ValueEditor.vue'
import { TEXT, TITLE, type Field, type SchemaIndex } from '../values/schemaIndex'
import { COLUMN, type OutlineRow } from './outline'
import type { useFocus } from './useTreegrid'

/** The one part of one row that is being edited, and where the keyboard goes on afterwards. */
export function useRowEditing(rows: {
  props: Readonly<{ readonly: boolean; layout: 'document' | 'grid'; index: SchemaIndex }>
  focus: ReturnType<typeof useFocus>
  columns: Readonly<Ref<readonly { id: string }[]>>
  rowAt: (position: number) => OutlineRow
  itemAt: (position: number) => Item | null
  /** The column so many to the right. */
  step: (by: number) => number
  focusCurrent: () => Promise<void>
  selectPlacement: (placement: string) => Promise<void>
  onValue: (item: Item, field: Field, value: unknown) => void
  /** Told of the attribute whose editing begins, and of null when it ends. */
  onEdits: (attribute: string | null) => void
}) {
  const { props, focus } = rows
  const notify = useNotify()
  const editing = shallowRef<{ placement: string; column: string; item: Item } | null>(null)

  /** Begins to edit a part of the focused row: the one asked for, or the one that matters most. */
  function edit(column?: string): void {
    const row = focus.row.value
    const item = rows.itemAt(focus.position.value)
    if (props.readonly || !row || !item) return
    const wanted =
      column ?? (props.layout === 'grid' ? rows.columns.value[focus.column.value]?.id : mainPart(item, row))
    if (!wanted || !props.index.fieldOf(item, wanted)) {
      if (column === undefined && props.layout === 'grid') notify.info(t('document.noSuchAttribute'))
      return
    }
    takeTyped()
    editing.value = { placement: row[COLUMN.placement], column: wanted, item }
  }

  function mainPart(item: Item, row: OutlineRow): string {
    const hasText = Boolean(props.index.fieldOf(item, TEXT))
    return row[COLUMN.style] === 'heading' || !hasText ? TITLE : TEXT
  }

  /** Begins to edit the title of a new row. */
  async function editNew(placement: string): Promise<void> {
    await rows.selectPlacement(placement)
    edit(TITLE)
  }

  /** Edits what was double-clicked. */
  function editAt(position: number, event: MouseEvent): void {
    const part = (event.target as HTMLElement).closest<HTMLElement>('[data-part]')?.dataset.part
    if (editing.value?.placement === rows.rowAt(position)[COLUMN.placement]) return
    focus.to(position)
    edit(part)
  }

  async function take(position: number, column: string, value: unknown, onward: Onward): Promise<void> {
    // What was edited is the version that was there when it began, wherever its row is now, and if it is at all.
    const begun = editing.value?.item
    const now = rows.itemAt(position)
    const item = begun && { ...(now?.id === begun.id ? now : begun), revision: begun.revision }
    const field = props.index.fieldOf(item ?? null, column)
    editing.value = null
    if (item && field && value !== undefined) rows.onValue(item, field, value)
    if (onward === 'stay') return
    if (onward === 'down') focus.to(position + 1)
    else if (props.layout === 'grid') focus.column.value = rows.step(onward === 'right' ? 1 : -1)
    await rows.focusCurrent()
    if (onward === 'right' && props.layout === 'document' && column === TITLE) edit(TEXT)
  }

  async function cancel(): Promise<void> {
    editing.value = null
    await rows.focusCurrent()
  }

  watch(editing, (now) => {
    const field = now && props.index.fieldOf(rows.itemAt(focus.position.value), now.column)
    rows.onEdits(field ? field.attribute.id : null)
  })

  return { editing, edit, editNew, editAt, take, cancel }
}
