import { computed, type ComputedRef, type Ref } from 'vue'
import type { Item, Operation, Row } from '@/api/types'
import { t } from '@/shared/i18n'
import type { Field, SchemaIndex } from '../values/schemaIndex'
import {
  COLUMN,
  moved,
  placeFor,
  placeForNew,
  topmost,
  without,
  withRow,
  type Direction,
  type OutlineRow,
  type Place,
} from './outline'
import type { Write } from './useWrites'

interface Context {
  document: Ref<string>
  rows: Ref<readonly OutlineRow[]>
  index: ComputedRef<SchemaIndex>
  save: (write: Write) => Promise<boolean>
  patch: (items: readonly Item[]) => void
  put: (row: Row) => void
  restructure: (change: (rows: readonly OutlineRow[]) => OutlineRow[]) => () => void
}

const operation = (op: Operation['op'], kind: Operation['kind'], more: Partial<Operation>): Operation => ({
  op,
  kind,
  fields: {},
  items: false,
  ...more,
})

/** What can be done to the rows of a document. Each returns whether it was saved. */
export function useActions({ document, rows, index, save, patch, put, restructure }: Context) {
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
        operation('update', 'item', {
          id: item.id,
          fields: { attributes: { [attribute.id]: value } },
          // The version that was edited, not the newest: what others wrote since is merged or asked about.
          ...(item.revision > 0 ? { base: item.revision } : {}),
        }),
      ],
      message: t('document.message.edited', { key: item.key ?? '', name: attribute.name }),
      show: () => patch([shown]),
      takeBack: () => patch([item]),
    })
  }

  /** Makes a requirement behind a row, or first below it, and shows it at once; returns its placement. */
  function add(at: number, child: boolean): string | null {
    const type = requirement.value
    if (!type) return null
    const [id, placement] = [crypto.randomUUID(), crypto.randomUUID()]
    const place = placeForNew(rows.value, at, child)
    const line: OutlineRow = [placement, -1, 0, id, null, 'requirement', '', '', false]
    void save({
      operations: [
        operation('create', 'item', { id, fields: { type_id: type.id, attributes: {} } }),
        operation('create', 'placement', {
          id: placement,
          fields: { item_id: id },
          position: { document_id: document.value, first: false, ...place },
        }),
      ],
      message: t('document.message.added'),
      ...structural((old) => withRow(old, line, place)),
    })
    put({
      placement_id: placement,
      parent_id: place.parent_id,
      level: 0,
      number: '',
      item: blank(id, type.id),
    })
    return placement
  }

  /** Shows a change of the outline at once, and takes it back if it is refused. */
  function structural(
    change: (old: readonly OutlineRow[]) => OutlineRow[],
  ): Pick<Write, 'show' | 'takeBack'> {
    let takeBack = (): void => undefined
    return {
      show: () => {
        takeBack = restructure(change)
      },
      takeBack: () => takeBack(),
    }
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
    return place && row ? moveTo([row[COLUMN.placement]], place) : Promise.resolve(false)
  }

  /** Moves rows, with what is below them, to a place one behind the other, in one commit. */
  function moveTo(placements: readonly string[], place: Place): Promise<boolean> {
    const steps = placements.map((id, at): [string, Place] => [
      id,
      at === 0 ? place : { parent_id: place.parent_id, after: placements[at - 1] },
    ])
    const names = placements.map((id) => rows.value.find((row) => row[COLUMN.placement] === id)?.[COLUMN.key])
    return save({
      operations: steps.map(([id, to]) =>
        operation('move', 'placement', {
          id,
          position: { document_id: document.value, first: false, ...to },
        }),
      ),
      message: t('document.message.moved', { key: names.join(', ') }),
      ...structural((old) =>
        steps.reduce(
          (all, [id, to]) => {
            const from = all.findIndex((entry) => entry[COLUMN.placement] === id)
            return from < 0 ? all : moved(all, from, to)
          },
          [...old],
        ),
      ),
    })
  }

  /** Deletes placements with what is below them, and the items that stand nowhere else. */
  function remove(placements: readonly string[]): Promise<boolean> {
    const gone = new Set(placements)
    // What stands below something that goes, goes with it.
    const top = topmost(rows.value, gone)
    const names = top.map((row) => row[COLUMN.key]).join(', ')
    return save({
      operations: top.map((row) =>
        operation('delete', 'placement', { id: row[COLUMN.placement], items: true }),
      ),
      message: t('document.deleted', { key: names }),
      ...structural((old) => without(old, gone)),
    })
  }

  return { setValue, add, addLines, move, moveTo, remove }
}

/** An item as it is before the server has answered. */
function blank(id: string, type: string): Item {
  return {
    id,
    key: null,
    type_id: type,
    attributes: {},
    title: '',
    text: null,
    revision: 0,
    changed_at: null,
    changed_by: '',
    deleted: false,
    redaction: null,
  }
}
