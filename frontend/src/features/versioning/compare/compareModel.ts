import type { Comparison, EntityChange, Redaction } from '@/api/types'
import { formattingOnly } from '../diff/richDiff'
import { asText, isHtml } from '../diff/wordDiff'
import type { Place, PlaceIndex } from './placeIndex'
import type { SchemaIndex } from './schemaIndex'

export type Tag = 'added' | 'removed' | 'changed' | 'moved' | 'formatting'
export type Section = 'items' | 'links' | 'documents' | 'schema' | 'files' | 'other'

/** One field of an entity on both sides, as a reader sees it. */
export interface FieldView {
  id: string
  /** Name of the attribute; for the entity's own fields the name of the field, to be translated. */
  label: string
  own: boolean
  before: string
  after: string
  html: boolean
  changed: boolean
  formatting: boolean
}

/** How an entity's place changed. */
export interface Move {
  id: string
  before: Place | null
  after: Place | null
}

/** All that differs about one thing. */
export interface CompareEntry {
  id: string
  section: Section
  kind: string
  key: string | null
  title: string
  document: string | null
  number: string | null
  tags: Tag[]
  fields: FieldView[]
  moves: Move[]
  /** Ends of a link. */
  ends: { source: string; target: string } | null
  /** The sides that were redacted: nobody can tell how they differ. */
  redacted: { before: Redaction | null; after: Redaction | null } | null
  order: number
}

export interface Names {
  schema: SchemaIndex
  before: PlaceIndex
  after: PlaceIndex
}

const SECTIONS: Record<string, Section> = {
  item: 'items',
  placement: 'items',
  link: 'links',
  link_group: 'links',
  document: 'documents',
  type: 'schema',
  attribute: 'schema',
  datatype: 'schema',
  file: 'files',
  package: 'other',
}
const SECTION_ORDER: readonly Section[] = ['documents', 'items', 'links', 'schema', 'files', 'other']
/** Fields that say where a thing stands, or that its ends name already. */
const HIDDEN = new Set(['rank', 'sha256', 'source_id', 'target_id'])
const UNPLACED = Number.MAX_SAFE_INTEGER

/** Turns the changes of a comparison into what a reader is shown: items with their moves, in reading order. */
export function buildEntries(comparison: Comparison, names: Names): CompareEntry[] {
  const entries = new Map<string, CompareEntry>()
  for (const change of comparison.changes) {
    if (change.kind !== 'placement') entries.set(change.id, entryOf(change, names))
  }
  for (const change of comparison.changes) {
    if (change.kind === 'placement') addMove(entries, change, names)
  }
  return [...entries.values()]
    .filter((entry) => entry.tags.length > 0)
    .sort(
      (a, b) =>
        SECTION_ORDER.indexOf(a.section) - SECTION_ORDER.indexOf(b.section) ||
        a.order - b.order ||
        (a.key ?? a.title).localeCompare(b.key ?? b.title, undefined, { numeric: true }),
    )
}

function entryOf(change: EntityChange, names: Names): CompareEntry {
  const content = change.after ?? change.before ?? {}
  const place = names.after.item(change.id) ?? names.before.item(change.id)
  const title = place?.title || titleOf(content, names.schema)
  const whole = change.change === 'changed'
  const before = change.redacted_before ?? null
  const after = change.redacted_after ?? null
  const redacted = before || after ? { before, after } : null
  const told = redacted ? [] : fieldsOf(change, names)
  const fields = told.filter((field) => whole || !goesWithoutSaying(field, title))
  const changed = fields.filter((field) => field.changed)
  const tags: Tag[] = []
  if (change.change === 'added' || change.change === 'removed') tags.push(change.change)
  else if (redacted) tags.push('changed')
  else if (changed.length > 0)
    tags.push(changed.every((field) => field.formatting) ? 'formatting' : 'changed')
  else if (change.fields.some((field) => field.field === 'rank')) tags.push('moved')
  return {
    id: change.id,
    section: SECTIONS[change.kind] ?? 'other',
    kind: change.kind,
    key: change.key,
    title,
    document: place?.document ?? null,
    number: place?.number ?? null,
    tags,
    fields,
    moves: [],
    ends: change.kind === 'link' ? endsOf(content, names) : null,
    redacted,
    order: place?.order ?? names.after.order(change.id) ?? names.before.order(change.id) ?? UNPLACED,
  }
}

/** Of something new or gone its title is in the heading, and what it is not need not be said. */
function goesWithoutSaying(field: FieldView, title: string): boolean {
  const value = field.after || field.before
  return value === title || (field.own && (value === 'false' || value === '{}'))
}

function fieldsOf(change: EntityChange, names: Names): FieldView[] {
  const before = change.before ?? {}
  const after = change.after ?? {}
  const own = [...new Set([...Object.keys(after), ...Object.keys(before)])]
    .filter((name) => name !== 'attributes' && !HIDDEN.has(name))
    .map((name) =>
      view(name, name, true, ownText(name, before[name], names), ownText(name, after[name], names), false),
    )
  const oldValues = record(before.attributes)
  const newValues = record(after.attributes)
  const ids = new Set([...Object.keys(newValues), ...Object.keys(oldValues)])
  const type = names.schema.type(String(after.type_id ?? before.type_id ?? ''))
  const ordered = [...(type?.attributes.filter((id) => ids.delete(id)) ?? []), ...ids]
  const attributes = ordered.map((id) => {
    const info = names.schema.attribute(id)
    const show = (value: unknown) => valueText(value, info?.values)
    const html = info?.base === 'xhtml' || isHtml(newValues[id]) || isHtml(oldValues[id])
    return view(id, info?.name ?? id, false, show(oldValues[id]), show(newValues[id]), html)
  })
  return [...attributes, ...own].filter((field) => field.before || field.after)
}

function view(
  id: string,
  label: string,
  own: boolean,
  before: string,
  after: string,
  html: boolean,
): FieldView {
  const changed = before !== after
  return {
    id,
    label,
    own,
    before,
    after,
    html,
    changed,
    formatting: changed && html && formattingOnly(before, after),
  }
}

function ownText(name: string, value: unknown, names: Names): string {
  if (typeof value !== 'string') return asText(value)
  if (name === 'type_id') return names.schema.type(value)?.name ?? value
  if (name === 'document_id') return names.after.document(value) ?? names.before.document(value) ?? value
  return value
}

function valueText(value: unknown, names: ReadonlyMap<string, string> | undefined): string {
  if (typeof value === 'boolean') return value ? '✓' : '✗'
  if (Array.isArray(value)) return value.map((id) => names?.get(String(id)) ?? asText(id)).join(', ')
  return asText(value)
}

function record(value: unknown): Record<string, unknown> {
  return value !== null && typeof value === 'object' ? (value as Record<string, unknown>) : {}
}

function titleOf(content: Record<string, unknown>, schema: SchemaIndex): string {
  for (const name of ['title', 'name', 'path']) {
    const value = content[name]
    if (typeof value === 'string' && value) return value
  }
  const type = schema.type(String(content.type_id ?? ''))
  const values = record(content.attributes)
  for (const id of [type?.title, type?.text]) {
    const value = id ? values[id] : undefined
    if (typeof value === 'string' && value)
      return isHtml(value) ? value.replace(/<[^>]*>/g, ' ').trim() : value
  }
  return type?.name ?? ''
}

function endsOf(content: Record<string, unknown>, names: Names): { source: string; target: string } {
  const name = (id: unknown) => {
    const place = names.after.item(String(id)) ?? names.before.item(String(id))
    return place ? [place.key, place.title].filter(Boolean).join(' ') : String(id).slice(0, 8)
  }
  return { source: name(content.source_id), target: name(content.target_id) }
}

/** A placement is told with its item: where the item came to stand, or where it went away from. */
function addMove(entries: Map<string, CompareEntry>, change: EntityChange, names: Names): void {
  const content = change.after ?? change.before ?? {}
  const itemId = typeof content.item_id === 'string' ? content.item_id : change.id
  const before = change.before ? (names.before.placement(change.id) ?? null) : null
  const after = change.after ? (names.after.placement(change.id) ?? null) : null
  const place = after ?? before ?? names.after.item(itemId) ?? names.before.item(itemId)
  let entry = entries.get(itemId)
  if (!entry) {
    entry = {
      id: itemId,
      section: 'items',
      kind: 'item',
      key: place?.key ?? null,
      title: place?.title ?? '',
      document: place?.document ?? null,
      number: place?.number ?? null,
      tags: [],
      fields: [],
      moves: [],
      ends: null,
      redacted: null,
      order: place?.order ?? UNPLACED,
    }
    entries.set(itemId, entry)
  }
  // That a new item stands somewhere, and that a removed one no longer does, goes without saying.
  if (change.change !== 'changed' && entry.tags.includes(change.change as Tag)) return
  entry.moves.push({ id: change.id, before, after })
  if (!entry.tags.includes('moved')) entry.tags.push('moved')
}

/** How many entries carry each tag. */
export function countTags(entries: readonly CompareEntry[]): Record<Tag, number> {
  const counts: Record<Tag, number> = { added: 0, removed: 0, changed: 0, moved: 0, formatting: 0 }
  for (const entry of entries) for (const tag of entry.tags) counts[tag] += 1
  return counts
}

export type Filter = 'all' | 'content' | 'structure' | 'links' | 'schema'

export function matchesFilter(entry: CompareEntry, filter: Filter): boolean {
  switch (filter) {
    case 'content':
      return (
        (entry.section === 'items' || entry.section === 'documents') &&
        entry.tags.some((tag) => tag !== 'moved')
      )
    case 'structure':
      return entry.section !== 'links' && entry.tags.some((tag) => tag !== 'changed' && tag !== 'formatting')
    case 'links':
      return entry.section === 'links'
    case 'schema':
      return entry.section === 'schema'
    default:
      return true
  }
}
