export interface MappingRow {
  from: string
  to: string
}

/** Reads the mapping of an import, whatever its depth, as rows of "what the file says" and "what it becomes". */
export function mappingRows(mapping: unknown, prefix = ''): MappingRow[] {
  if (Array.isArray(mapping)) return mapping.flatMap((entry) => mappingRows(entry, prefix))
  if (mapping === null || typeof mapping !== 'object') {
    return prefix ? [{ from: prefix, to: String(mapping) }] : []
  }
  const record = mapping as Record<string, unknown>
  const from = text(record.from ?? record.name)
  const to = text(record.to ?? record.becomes ?? record.category)
  if (from && to) {
    return [{ from, to }, ...mappingRows(record.attributes, from)]
  }
  return Object.entries(record).flatMap(([key, value]) =>
    mappingRows(value, prefix ? `${prefix} › ${key}` : key),
  )
}

function text(value: unknown): string {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
