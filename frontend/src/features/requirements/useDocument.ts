import { useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, reactive, shallowRef, type Ref } from 'vue'
import { getOutline, getRows, getSchema, type Item, type Outline, type Row } from './requirements.api'

export type OutlineRow = Outline['rows'][number]

/** The fields of a compact outline row, by position. */
export const COLUMN = {
  placement: 0,
  parent: 1,
  level: 2,
  item: 3,
  key: 4,
  style: 5,
  title: 6,
  number: 7,
  children: 8,
} as const

const PAGE = 100

/**
 * A document at a version: its whole outline, and its rows in pages that are fetched when they come near the window.
 */
export function useDocument(project: Ref<string>, document: Ref<string>, at: Ref<string | undefined>) {
  const cache = useQueryClient()
  const place = computed(() => ({ project: project.value, document: document.value, at: at.value }))
  const outline = useQuery({
    queryKey: ['outline', project, document, at],
    queryFn: () => getOutline(place.value),
  })
  const schema = useQuery({
    queryKey: ['schema', project, at],
    queryFn: () => getSchema(project.value, at.value),
  })
  const pages = reactive(new Map<number, Row[]>())
  const loading = new Set<number>()
  const failure = shallowRef<Error | null>(null)

  async function load(page: number): Promise<void> {
    if (loading.has(page)) return
    loading.add(page)
    try {
      const answer = await cache.fetchQuery({
        queryKey: ['rows', project.value, document.value, at.value, page],
        queryFn: () => getRows(place.value, page * PAGE, PAGE),
        staleTime: 0,
      })
      pages.set(page, answer.rows)
    } catch (error) {
      failure.value = error as Error
    } finally {
      loading.delete(page)
    }
  }

  /** Makes sure that the rows from `first` to `last` are there or on their way. */
  function want(first: number, last: number): void {
    for (let page = Math.floor(first / PAGE); page <= Math.floor(last / PAGE); page += 1) {
      if (!pages.has(page)) void load(page)
    }
  }

  function row(index: number): Row | undefined {
    return pages.get(Math.floor(index / PAGE))?.[index % PAGE]
  }

  /** Puts fresh states of items in place wherever they are shown. */
  function patch(items: readonly Item[]): void {
    const byId = new Map(items.map((item) => [item.id, item]))
    for (const rows of pages.values()) {
      for (const shown of rows) {
        const fresh = shown.item && byId.get(shown.item.id)
        if (fresh) shown.item = { ...shown.item, ...fresh }
      }
    }
  }

  /** Reads again what is shown, keeping it on the screen meanwhile. */
  async function refresh(): Promise<void> {
    await outline.refetch()
    await Promise.all([...pages.keys()].map(load))
  }

  function reset(): void {
    pages.clear()
  }

  return { outline, schema, row, want, patch, refresh, reset, failure }
}
