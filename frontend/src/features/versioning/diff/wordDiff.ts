import { diffWordsWithSpace } from 'diff'

export type PieceKind = 'same' | 'added' | 'removed'

export interface Piece {
  kind: PieceKind
  text: string
}

/** A value as text: lists by commas, yes and no as such, nothing as nothing. */
export function asText(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return value.map(asText).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Whether a value is markup: what the server sends of rich text begins with a tag. */
export function isHtml(value: unknown): value is string {
  return typeof value === 'string' && /^\s*</.test(value)
}

/** Compares two texts word by word. Of a replacement the removed words come before the added ones. */
export function diffWords(before: string, after: string): Piece[] {
  if (before === after) return before ? [{ kind: 'same', text: before }] : []
  return joinRuns(
    diffWordsWithSpace(before, after).map((part) => ({
      kind: part.added ? 'added' : part.removed ? 'removed' : 'same',
      text: part.value,
    })),
  )
}

/** Joins changes that only white space keeps apart: "a b" for "c d" reads better as one replacement than as two. */
function joinRuns(pieces: readonly Piece[]): Piece[] {
  const joined: Piece[] = []
  let removed = ''
  let added = ''
  const flush = () => {
    if (removed) joined.push({ kind: 'removed', text: removed })
    if (added) joined.push({ kind: 'added', text: added })
    removed = ''
    added = ''
  }
  for (const [index, piece] of pieces.entries()) {
    const next = pieces[index + 1]
    const isGap = piece.kind === 'same' && !piece.text.trim() && removed !== '' && added !== ''
    if (piece.kind === 'removed') removed += piece.text
    else if (piece.kind === 'added') added += piece.text
    else if (isGap && next && replacesBoth(pieces, index + 1)) {
      removed += piece.text
      added += piece.text
    } else {
      flush()
      joined.push(piece)
    }
  }
  flush()
  return joined
}

/** Whether a replacement, not just an insertion or a deletion, begins at `index`. */
function replacesBoth(pieces: readonly Piece[], index: number): boolean {
  const kinds = new Set([pieces[index]?.kind, pieces[index + 1]?.kind])
  return kinds.has('removed') && kinds.has('added')
}

/** Share of the text that two sides have in common, 0 to 1, by the words of the longer side. */
export function similarity(before: string, after: string): number {
  if (before === after) return 1
  const old = before.match(/\S+/g) ?? []
  const now = after.match(/\S+/g) ?? []
  if (old.length === 0 || now.length === 0) return 0
  const counts = new Map<string, number>()
  for (const word of old) counts.set(word, (counts.get(word) ?? 0) + 1)
  let shared = 0
  for (const word of now) {
    const left = counts.get(word) ?? 0
    if (left > 0) {
      shared += 1
      counts.set(word, left - 1)
    }
  }
  return shared / Math.max(old.length, now.length)
}
