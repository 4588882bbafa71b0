import type { MergeConflict } from '@/api/types'
import type { WordChoice } from './useMerge'

export type Piece = NonNullable<MergeConflict['pieces']>[number]

/** The alternatives of a disputed piece in the order of their keys 1 to 4. */
export const CHOICES: readonly WordChoice[] = ['ours', 'theirs', 'base', 'both']

/** What a disputed piece becomes: as the server does it, a space parts two texts that would run together. */
export function worded(piece: Piece, choice: WordChoice): string {
  if (choice !== 'both') return piece[choice]
  const { ours, theirs } = piece
  const together = ours !== '' && theirs !== '' && !/\s$/.test(ours) && !/^\s/.test(theirs)
  return ours + (together ? ' ' : '') + theirs
}

export function isDisputed(piece: Piece): boolean {
  return piece.text === null
}

/** The whole text with what was chosen so far; what is still open shows as an ellipsis. */
export function resultOf(pieces: readonly Piece[], chosen: readonly (WordChoice | null)[]): string {
  let at = 0
  return pieces
    .map((piece) => {
      if (piece.text !== null) return piece.text
      const choice = chosen[at++]
      return choice ? worded(piece, choice) : '…'
    })
    .join('')
}

/** Whether choosing by word says more than choosing a side: there is something besides the one disputed piece. */
export function canChooseWords(pieces: readonly Piece[] | null): pieces is Piece[] {
  return pieces !== null && pieces.length > 1 && pieces.some(isDisputed)
}
