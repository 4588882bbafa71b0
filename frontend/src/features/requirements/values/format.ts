import type { EnumValue, Field } from './schemaIndex'
import { t } from '@/shared/i18n'

/** Returns the chosen values of an enumeration, in the order of the datatype. */
export function chosen(field: Field, value: unknown): EnumValue[] {
  const ids = new Set(Array.isArray(value) ? value : [])
  return field.values.filter((entry) => ids.has(entry.id))
}

/** Returns a value as one line of text. */
export function formatValue(field: Field, value: unknown): string {
  if (value === undefined || value === null) return ''
  switch (field.attribute.base) {
    case 'enumeration':
      return chosen(field, value)
        .map((entry) => entry.name)
        .join(', ')
    case 'boolean':
      return t(value === true ? 'document.value.yes' : 'document.value.no')
    case 'date':
      return String(value).replace('T', ' ').slice(0, 16)
    case 'xhtml':
      return String(value)
        .replace(/<[^>]*>/g, ' ')
        .replace(/\s+/g, ' ')
        .trim()
    default:
      return String(value)
  }
}

/** Returns what the input of a date shows for a lexical date-time, and back. */
export const toDateInput = (value: unknown): string => String(value ?? '').slice(0, 16)
export const fromDateInput = (text: string): string | null => (text ? `${text}:00Z` : null)
