import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { until } from '@vueuse/core'
import { computed, shallowRef, watch, type Ref } from 'vue'
import { keys } from '@/api/keys'
import type { Item, OutlineAnswer, Row, RowsAnswer } from '@/api/types'
import { getOutline, getRows, getSchema } from '../requirements.api'
import { COLUMN, outlineOf, type OutlineRow } from './outline'

const PAGE = 100
/** Rows that are kept; beyond it all are forgotten, and read again when they come near the window. */
const MOST_ROWS = 4000
/** In place of a version, of which nothing is known yet: the page that is read beside the outline. */
const OPENING = 0

/**
 * A document at a version: its whole outline, and its rows in pages that are read when they come near the window.
 * The first page is asked for beside the outline and stands for it until it is there, which in a large document takes
 * a while; `isWhole` tells which of them `rows` is.
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
  const opening = shallowRef<RowsAnswer | null>(null)
  const isWhole = computed(() => outline.data.value !== undefined)
  const rows = computed<readonly OutlineRow[]>(() => {
    if (outline.data.value) return outline.data.value.rows
    return opening.value && schema.data.value ? outlineOf(opening.value.rows, schema.data.value) : []
  })
  /** The newest version of which something is shown. */
  const seq = computed(() => outline.data.value?.ref.seq ?? opening.value?.ref.seq)
  const indexOf = computed(() => new Map(rows.value.map((row, index) => [row[COLUMN.placement], index])))
  const loaded = shallowRef(new Map<string, Row>())
  const failure = shallowRef<Error | null>(null)
  const reading = new Map<number, number>()
  let fresh = new Set<number>()

  async function load(page: number, version: number): Promise<void> {
    const now = reading.get(page)
    if (now === version || now === OPENING) return
    reading.set(page, version)
    const asked = place.value
    try {
      const answer = await getRows(asked, page * PAGE, PAGE)
      if (place.value !== asked) return
      if (version === OPENING) opening.value = answer
      // A new map each time: whoever got the old one as a property would not see what is added to it.
      const keep = loaded.value.size <= MOST_ROWS
      if (!keep) fresh.clear()
      const next = new Map(keep ? loaded.value : [])
      for (const row of answer.rows) next.set(row.placement_id, row)
      loaded.value = next
      if (answer.ref.seq >= (seq.value ?? 0)) fresh.add(page)
      failure.value = null
    } catch (error) {
      if (place.value === asked) failure.value = error as Error
    } finally {
      if (place.value === asked) reading.delete(page)
    }
  }

  /** Makes sure that the rows at these positions of the outline are there, or on their way. */
  function want(positions: readonly number[]): void {
    const pages = new Set(positions.map((index) => Math.floor(index / PAGE)))
    for (const page of pages) {
      if (!fresh.has(page)) void load(page, seq.value ?? OPENING)
    }
  }

  /** Reads every row, for printing. */
  async function wantAll(): Promise<Row[]> {
    const all: Row[] = []
    await whole()
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
    (now, before) => {
      if (before === undefined && now === opening.value?.ref.seq) return
      fresh = new Set()
      loaded.value = new Map(loaded.value)
    },
  )
  watch(
    place,
    () => {
      fresh = new Set()
      reading.clear()
      loaded.value = new Map()
      opening.value = null
      if (!isWhole.value) void load(0, OPENING)
    },
    { immediate: true },
  )

  /** Waits for the outline; where it cannot be read, the page says so. */
  async function whole(): Promise<boolean> {
    if (!isWhole.value) await until(outline.isPending).toBe(false)
    return isWhole.value
  }

  return {
    outline,
    schema,
    rows,
    seq,
    isWhole,
    indexOf,
    loaded,
    failure,
    whole,
    want,
    wantAll,
    patch,
    put,
    restructure,
    refresh,
  }
}
