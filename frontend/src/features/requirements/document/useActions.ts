import { computed, type ComputedRef, type Ref } from 'vue'
import type { Item, Operation, Row } from '@/api/types'
import { t } from '@/shared/i18n'
import type { Field, SchemaIndex } from '../values/schemaIndex'
import { COLUMN, placeFor, placeForNew, type Direction, type OutlineRow } from './outline'
import type { Write } from './useWrites'

interface Context {
  document: Ref<string>
  rows: Ref<readonly OutlineRow[]>
  loaded: Ref<ReadonlyMap<string, Row>>
  index: ComputedRef<SchemaIndex>
  save: (write: Write) => Promise<boolean>
  patch: (items: readonly Item[]) => void
}

const operation = (op: Operation['op'], kind: Operation['kind'], more: Partial<Operation>): Operation => ({
  op,
  kind,
  fields: {},
  items: false,
  ...more,
})

/** What can be done to the rows of a document. Each returns whether it was saved. */
export function useActions({ document, rows, loaded, index, save, patch }: Context) {
  const requirement = computed(() =>
    index.value.itemTypes.find((type) => type.presentation.style === 'requirement'),
  )

  /** Sets a value, shown at once. */
  function setValue(item: Item, field: Field, value: unknown): Promise<boolean> {
    const { attribute } = field
    const before = item.attributes[attribute.id]
    const same = JSON.stringify(before ?? null) === JSON.stringify(value ?? null)
    if (same || (value === null && before === undefined)) return Promise.resolve(true)
    const type = index.value.types.get(item.type_id ?? '')
    const shown: Item = { ...item, attributes: { ...item.attributes, [attribute.id]: value } }
    if (type?.presentation.text === attribute.id) shown.text = String(value ?? '')
    if (type?.presentation.title === attribute.id) shown.title = String(value ?? '')
    return save({
      operations: [
        operation('update', 'item', { id: item.id, fields: { attributes: { [attribute.id]: value } } }),
      ],
      message: t('document.message.edited', { key: item.key ?? '', name: attribute.name }),
      show: () => patch([shown]),
      takeBack: () => patch([item]),
    })
  }

  /** Makes a requirement behind a row, or first below it; returns its placement, or null if it was refused. */
  async function add(at: number, child: boolean, title = ''): Promise<string | null> {
    const type = requirement.value
    if (!type) return null
    const [item, placement] = [crypto.randomUUID(), crypto.randomUUID()]
    const attributes = title ? { [String(type.presentation.title)]: title } : {}
    const saved = await save({
      operations: [
        operation('create', 'item', { id: item, fields: { type_id: type.id, attributes } }),
        operation('create', 'placement', {
          id: placement,
          fields: { item_id: item },
          position: { document_id: document.value, first: false, ...placeForNew(rows.value, at, child) },
        }),
      ],
      message: t('document.message.added'),
    })
    return saved ? placement : null
  }

  /** Makes one requirement of each line of a text, in one commit. */
  function addLines(lines: readonly string[]): Promise<boolean> {
    const type = requirement.value
    if (!type) return Promise.resolve(false)
    const operations = lines.flatMap((line) => {
      const item = crypto.randomUUID()
      const fields = { type_id: type.id, attributes: { [String(type.presentation.title)]: line } }
      return [
        operation('create', 'item', { id: item, fields }),
        operation('create', 'placement', {
          id: crypto.randomUUID(),
          fields: { item_id: item },
          position: { document_id: document.value, parent_id: null, first: false },
        }),
      ]
    })
    return save({ operations, message: t('document.message.pasted', { n: lines.length }) })
  }

  function move(at: number, direction: Direction): Promise<boolean> {
    const place = placeFor(rows.value, at, direction)
    const row = rows.value[at]
    if (!place || !row) return Promise.resolve(false)
    return save({
      operations: [
        operation('move', 'placement', {
          id: row[COLUMN.placement],
          position: { document_id: document.value, first: false, ...place },
        }),
      ],
      message: t('document.message.moved', { key: row[COLUMN.key] ?? '' }),
    })
  }

  /** Deletes placements with what is below them, and the items that stand nowhere else. */
  function remove(placements: readonly string[]): Promise<boolean> {
    const gone = new Set(placements)
    // What stands below something that goes, goes with it.
    const top = rows.value.filter((row) => gone.has(row[COLUMN.placement]) && !hasAncestor(row, gone))
    const names = top.map((row) => row[COLUMN.key]).join(', ')
    return save({
      operations: top.map((row) =>
        operation('delete', 'placement', { id: row[COLUMN.placement], items: true }),
      ),
      message: t('document.deleted', { key: names }),
    })
  }

  function hasAncestor(row: OutlineRow, among: ReadonlySet<string>): boolean {
    let above = rows.value[row[COLUMN.parent]]
    while (above && !among.has(above[COLUMN.placement])) above = rows.value[above[COLUMN.parent]]
    return above !== undefined
  }

  /** Puts an item that stands nowhere behind the last row. */
  function place(item: string): Promise<boolean> {
    return save({
      operations: [
        operation('create', 'placement', {
          id: crypto.randomUUID(),
          fields: { item_id: item },
          position: { document_id: document.value, parent_id: null, first: false },
        }),
      ],
    })
  }

  const itemAt = (at: number): Item | null =>
    loaded.value.get(rows.value[at]?.[COLUMN.placement] ?? '')?.item ?? null

  return { setValue, add, addLines, move, remove, place, itemAt, canAdd: requirement }
}
