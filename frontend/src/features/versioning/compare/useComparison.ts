import { useQueries, useQuery } from '@tanstack/vue-query'
import { computed, toValue, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import type { Comparison, Document } from '@/api/types'
import { compare, getOutline, getSchema, listDocuments } from '../versioning.api'
import { buildEntries } from './compareModel'
import { indexPlaces } from './placeIndex'
import { indexSchemas } from './schemaIndex'

/** Above this many items only the documents whose structure differs are read for the places of things. */
const READ_ALL_BELOW = 20_000

/** Two versions compared, with everything that names what differs: types, attributes, places in documents. */
export function useComparison(
  project: MaybeRefOrGetter<string>,
  from: MaybeRefOrGetter<string>,
  to: MaybeRefOrGetter<string>,
) {
  const enabled = computed(() => toValue(from) !== '')
  const comparison = useQuery({
    queryKey: computed(() => keys.compare(toValue(project), toValue(from), toValue(to))),
    queryFn: () => compare(toValue(project), toValue(from), toValue(to)),
    enabled,
  })
  const named = useEntries(project, from, to, comparison.data)
  const { entries } = named

  return {
    entries,
    refs: computed(() =>
      comparison.data.value
        ? { from: comparison.data.value.from_ref, to: comparison.data.value.to_ref }
        : null,
    ),
    error: computed(() => comparison.error.value ?? named.error.value),
    isPending: computed(() => enabled.value && entries.value === null),
    refetch: comparison.refetch,
  }
}

/** What differs, with everything that names it on both sides. */
export function useEntries(
  project: MaybeRefOrGetter<string>,
  from: MaybeRefOrGetter<string>,
  to: MaybeRefOrGetter<string>,
  comparison: { value: Comparison | undefined },
) {
  const older = useSide(project, from, comparison)
  const newer = useSide(project, to, comparison)
  const schema = computed(() => indexSchemas(older.schema.value, newer.schema.value))
  return {
    schema,
    entries: computed(() => {
      if (!comparison.value || older.isPending.value || newer.isPending.value) return null
      return buildEntries(comparison.value, {
        schema: schema.value,
        before: indexPlaces(older.outlines.value),
        after: indexPlaces(newer.outlines.value),
      })
    }),
    error: computed(() => older.error.value ?? newer.error.value),
  }
}

function useSide(
  project: MaybeRefOrGetter<string>,
  ref: MaybeRefOrGetter<string>,
  comparison: { value: Comparison | undefined },
) {
  const enabled = computed(() => comparison.value !== undefined)
  const schema = useQuery({
    queryKey: computed(() => keys.schema(toValue(project), toValue(ref))),
    queryFn: () => getSchema(toValue(project), toValue(ref)),
    enabled,
  })
  const documents = useQuery({
    queryKey: computed(() => keys.documents(toValue(project), toValue(ref))),
    queryFn: () => listDocuments(toValue(project), toValue(ref)),
    enabled,
  })
  const wanted = computed(() => wantedDocuments(documents.data.value ?? [], comparison.value))
  const outlines = useQueries({
    queries: computed(() =>
      wanted.value.map((document) => ({
        queryKey: keys.outline(toValue(project), document, toValue(ref)),
        queryFn: () => getOutline(toValue(project), document, toValue(ref)),
      })),
    ),
  })
  return {
    schema: schema.data,
    outlines: computed(() => outlines.value.map((query) => query.data)),
    isPending: computed(
      () =>
        schema.isPending.value ||
        documents.isPending.value ||
        outlines.value.some((query) => query.isPending),
    ),
    error: computed(
      () =>
        schema.error.value ??
        documents.error.value ??
        outlines.value.find((query) => query.error)?.error ??
        null,
    ),
  }
}

function wantedDocuments(documents: readonly Document[], comparison: Comparison | undefined): string[] {
  const total = documents.reduce((sum, document) => sum + document.item_count, 0)
  if (total <= READ_ALL_BELOW) return documents.map((document) => document.id)
  const touched = new Set<string>()
  for (const change of comparison?.changes ?? []) {
    if (change.kind !== 'placement') continue
    for (const side of [change.before, change.after]) {
      if (typeof side?.document_id === 'string') touched.add(side.document_id)
    }
  }
  return documents.filter((document) => touched.has(document.id)).map((document) => document.id)
}
