import { describe, expect, it } from 'vitest'
import { canChooseWords, resultOf, worded, type Piece } from './wordChoice'

const disputed = (base: string, ours: string, theirs: string): Piece => ({ text: null, base, ours, theirs })
const merged = (text: string): Piece => ({ text, base: '', ours: '', theirs: '' })
const PIECES = [
  merged('stop within '),
  disputed('12 ms', '15 ms', '12 s'),
  merged(' of a '),
  disputed('signal', '', 'command'),
]

describe('words of a merge', () => {
  it('takes one side of a piece, or both with a space between', () => {
    const piece = disputed('12 ms', '15 ms', '12 s')
    expect(worded(piece, 'base')).toBe('12 ms')
    expect(worded(piece, 'theirs')).toBe('12 s')
    expect(worded(piece, 'both')).toBe('15 ms 12 s')
    expect(worded(disputed('', 'a ', 'b'), 'both')).toBe('a b')
    expect(worded(disputed('x', '', 'b'), 'both')).toBe('b')
  })

  it('shows the text with what is chosen and what is open', () => {
    expect(resultOf(PIECES, ['ours', null])).toBe('stop within 15 ms of a …')
    expect(resultOf(PIECES, ['theirs', 'theirs'])).toBe('stop within 12 s of a command')
    expect(resultOf(PIECES, ['base', 'ours'])).toBe('stop within 12 ms of a ')
  })

  it('is offered only where there is more than the one piece', () => {
    expect(canChooseWords(PIECES)).toBe(true)
    expect(canChooseWords([disputed('a', 'b', 'c')])).toBe(false)
    expect(canChooseWords([merged('a'), merged('b')])).toBe(false)
    expect(canChooseWords(null)).toBe(false)
  })
})
