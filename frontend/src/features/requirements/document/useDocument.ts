import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, shallowRef, watch, type Ref } from 'vue'
import { keys } from '@/api/keys'
import type { Item, OutlineAnswer, Row } from '@/api/types'
import { getOutline, getRows, getSchema } from '../requirements.api'
import { COLUMN, type OutlineRow } from './outline'

const PAGE = 100
/** Rows that are kept; beyond it all are forgotten, and read again when they come near the window. */
const MOST_ROWS = 4000

/**
 * A document at a version: its whole outline, and its rows in pages that are read when they come near the window.
 * Rows are kept by placement, so that what moves keeps its row. Nothing of it is deeply reactive.
 */
export function useDocument(project: Ref<string>, document: Ref<string>, at: Ref<string>) {
  const cache = useQueryClient()
  const place = computed(() => ({
    project: project.value,
    document: document.value,
    at: at.value || undefined,
  }))
  const outlineKey = computed(() => keys.outline(project.value, document.value, at.value))
  const outline = useQuery({
    queryKey: outlineKey,
    queryFn: () => getOutline(place.value),
    structuralSharing: false,
    shallow: true,
  })
  const schema = useQuery({
    queryKey: computed(() => keys.schema(project.value, at.value)),
    queryFn: () => getSchema(project.value, at.value || undefined),
    shallow: true,
  })
  const rows = computed<readonly OutlineRow[]>(() => outline.data.value?.rows ?? [])
  const indexOf = computed(() => new Map(rows.value.map((row, index) => [row[COLUMN.placement], index])))
  const loaded = shallowRef(new Map<string, Row>())
  const failure = shallowRef<Error | null>(null)
  const reading = new Map<number, number>()
  let fresh = new Set<number>()

  async function load(page: number, seq: number): Promise<void> {
    if (reading.get(page) === seq) return
    reading.set(page, seq)
    try {
      const answer = await getRows(place.value, page * PAGE, PAGE)
      // A new map each time: whoever got the old one as a property would not see what is added to it.
      const keep = loaded.value.size <= MOST_ROWS
      if (!keep) fresh.clear()
      const next = new Map(keep ? loaded.value : [])
      for (const row of answer.rows) next.set(row.placement_id, row)
      loaded.value = next
      fresh.add(page)
      failure.value = null
    } catch (error) {
      failure.value = error as Error
    } finally {
      reading.delete(page)
    }
  }

  /** Makes sure that the rows at these positions of the outline are there, or on their way. */
  function want(positions: readonly number[]): void {
    const pages = new Set(positions.map((index) => Math.floor(index / PAGE)))
    for (const page of pages) {
      if (!fresh.has(page)) void load(page, outline.data.value?.ref.seq ?? 0)
    }
  }

  /** Reads every row, for printing. */
  async function wantAll(): Promise<Row[]> {
    const all: Row[] = []
    while (all.length < rows.value.length) {
      const answer = await getRows(place.value, all.length, 500)
      if (answer.rows.length === 0) break
      all.push(...answer.rows)
    }
    return all
  }

  /** Puts fresh states of items in place wherever they are shown, in the outline too. */
  function patch(items: readonly Item[]): void {
    const byId = new Map(items.map((item) => [item.id, item]))
    const next = new Map(loaded.value)
    for (const [placement, row] of next) {
      const item = row.item && byId.get(row.item.id)
      if (item) next.set(placement, { ...row, item: { ...row.item, ...item } })
    }
    loaded.value = next
    cache.setQueryData<OutlineAnswer>(outlineKey.value, (answer) => {
      if (!answer) return answer
      const changed = answer.rows.map((row): OutlineRow => {
        const item = byId.get(row[COLUMN.item] ?? '')
        if (!item || item.title === row[COLUMN.title]) return row
        const copy = [...row] as OutlineRow
        copy[COLUMN.title] = item.title
        return copy
      })
      return { ...answer, rows: changed }
    })
  }

  /** Shows another outline until the server's is read again, and returns what takes it back. */
  function restructure(change: (rows: readonly OutlineRow[]) => OutlineRow[]): () => void {
    const before = cache.getQueryData<OutlineAnswer>(outlineKey.value)
    if (!before) return () => undefined
    void cache.cancelQueries({ queryKey: outlineKey.value })
    const key = outlineKey.value
    cache.setQueryData<OutlineAnswer>(key, { ...before, rows: change(before.rows) })
    return () => cache.setQueryData(key, before)
  }

  /** Shows a row that the server does not have yet. */
  function put(row: Row): void {
    loaded.value = new Map(loaded.value).set(row.placement_id, row)
  }

  /** Reads again what is shown, keeping it on the screen meanwhile. */
  async function refresh(): Promise<void> {
    fresh = new Set()
    await outline.refetch()
  }

  // A newer version was read (a save of structure, an undo, somebody else's commit): its rows are read again when seen.
  watch(
    () => outline.data.value?.ref.seq,
    () => {
      fresh = new Set()
      loaded.value = new Map(loaded.value)
    },
  )
  watch([project, document, at], () => {
    fresh = new Set()
    loaded.value = new Map()
  })

  return { outline, schema, rows, indexOf, loaded, failure, want, wantAll, patch, put, restructure, refresh }
}
