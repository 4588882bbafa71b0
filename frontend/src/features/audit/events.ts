import type { AuditEvent } from '@/api/types'

export interface AuditChange {
  field: string
  before: string
  after: string
}

/** A value of an event as a person reads it. */
export function plain(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.map(plain).join(', ')
  return JSON.stringify(value)
}

/** What an event says of each field, before and after, the fields in their own order. */
export function changesOf(event: Pick<AuditEvent, 'old' | 'new'>): AuditChange[] {
  const { old: before, new: after } = event
  const fields = [...new Set([...Object.keys(before ?? {}), ...Object.keys(after ?? {})])]
  return fields.map((field) => ({
    field,
    before: plain(before?.[field]),
    after: plain(after?.[field]),
  }))
}

/** The time of day, with seconds. */
export function timeOf(iso: string, locale = 'en-GB'): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: 'medium' }).format(new Date(iso))
}
