import { describe, expect, it } from 'vitest'
import { formattingOnly, visibleText } from './richDiff'
import { diffWords, similarity } from './wordDiff'

describe('word diff', () => {
  it('marks the words that changed and gives both sides again', () => {
    const pieces = diffWords('the quick fox', 'the slow fox')
    const side = (kind: string) =>
      pieces
        .filter((piece) => piece.kind === 'same' || piece.kind === kind)
        .map((piece) => piece.text)
        .join('')
    expect(side('removed')).toBe('the quick fox')
    expect(side('added')).toBe('the slow fox')
    expect(pieces.some((piece) => piece.kind === 'added' && piece.text.includes('slow'))).toBe(true)
  })

  it('tells formatting from words', () => {
    expect(formattingOnly('<p>one two</p>', '<p>one <b>two</b></p>')).toBe(true)
    expect(formattingOnly('<p>one</p>', '<p>two</p>')).toBe(false)
    expect(visibleText('<p>one</p><p>two</p>').split(/\s+/)).toEqual(['one', 'two'])
  })

  it('measures how alike two texts are', () => {
    expect(similarity('a b c', 'a b c')).toBe(1)
    expect(similarity('a b c', 'x y z')).toBeLessThan(0.5)
  })
})
