import type { OutlineAnswer } from '@/api/types'

export interface Place {
  documentId: string
  document: string
  number: string
  /** Where it stands in the reading order of all documents. */
  order: number
  itemId: string | null
  key: string | null
  title: string
}

/** Where things stand at one version, by placement and by item. */
export interface PlaceIndex {
  placement: (id: string) => Place | undefined
  item: (id: string) => Place | undefined
  document: (id: string) => string | undefined
  /** Where a document stands among the documents. */
  order: (id: string) => number | undefined
}

export function indexPlaces(outlines: readonly (OutlineAnswer | undefined)[]): PlaceIndex {
  const placements = new Map<string, Place>()
  const items = new Map<string, Place>()
  const documents = new Map<string, string>()
  let order = 0
  for (const outline of outlines) {
    if (!outline) continue
    documents.set(outline.document.id, outline.document.title)
    for (const [placement, , , itemId, key, , title, number] of outline.rows) {
      const place = {
        documentId: outline.document.id,
        document: outline.document.title,
        number,
        order: order++,
        itemId,
        key,
        title,
      }
      placements.set(placement, place)
      if (itemId && !items.has(itemId)) items.set(itemId, place)
    }
  }
  return {
    placement: (id) => placements.get(id),
    item: (id) => items.get(id),
    document: (id) => documents.get(id),
    order: (id) => (documents.has(id) ? [...documents.keys()].indexOf(id) : undefined),
  }
}
