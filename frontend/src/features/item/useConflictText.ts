import type { ComputedRef } from 'vue'
import type { EditConflict } from '@/api/types'
import type { SchemaIndex } from '@/features/requirements'
import { t } from '@/shared/i18n'

interface AttributeConflict extends EditConflict {
  /** The id of the attribute, of a conflict of values. */
  field_key?: string | null
}

/** Says a side of a conflict as its reader knows it: values of enumerations by name, rich text as its words. */
export function useConflictText(index: ComputedRef<SchemaIndex>) {
  return (conflict: AttributeConflict, value: unknown): string => {
    const field = index.value.field(conflict.field_key ?? undefined)
    if (value === null || value === undefined || value === '') return t('item.nothing')
    if (typeof value === 'boolean') return t(value ? 'item.yes' : 'item.no')
    if (Array.isArray(value)) {
      const names = new Map(field?.values.map((entry) => [entry.id, entry.name]))
      return value.map((id) => names.get(String(id)) ?? String(id)).join(', ')
    }
    if (field?.attribute.base !== 'xhtml') return String(value)
    return new DOMParser().parseFromString(String(value), 'text/html').body.textContent?.trim() ?? ''
  }
}
