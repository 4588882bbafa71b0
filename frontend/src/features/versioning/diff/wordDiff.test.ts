import { describe, expect, it } from 'vitest'
import { formattingOnly, richDiff, visibleText } from './richDiff'
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

  it('keeps the cells of a table apart, and marks the words of the one that changed', () => {
    const row = (cells: string[]) =>
      `<div><table><tbody><tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr></tbody></table></div>`
    const [block, ...others] = richDiff(row(['torque', 'low', 'Nm']), row(['torque', 'high', 'Nm']))
    expect(others).toEqual([])
    expect(block?.kind).toBe('changed')
    const shown = document.createElement('div')
    shown.innerHTML = block?.unified ?? ''
    expect([...shown.querySelectorAll('td')].map((cell) => cell.textContent?.trim())).toEqual([
      'torque',
      'lowhigh',
      'Nm',
    ])
    expect(shown.querySelector('del')?.textContent).toBe('low')
    expect(shown.querySelector('ins')?.textContent).toBe('high')
    expect(shown.querySelector('tr > del, tr > ins')).toBeNull()
  })

  it('keeps a removed cell inside the table', () => {
    const before = '<div><table><tbody><tr><td>one two three</td><td>gone</td></tr></tbody></table></div>'
    const after = '<div><table><tbody><tr><td>one two three</td></tr></tbody></table></div>'
    const shown = document.createElement('div')
    shown.innerHTML = richDiff(before, after)[0]?.unified ?? ''
    expect(shown.querySelector('td del')?.textContent?.trim()).toBe('gone')
    expect(shown.querySelector('ins')).toBeNull()
  })

  it('gives both sides of any change again, word for word', () => {
    const pairs = [
      ['<p>a b</p><ul><li>c</li><li>d</li></ul>', '<p>a x b</p><ul><li>d</li><li>e</li></ul>'],
      ['<p>one<br>two</p>', '<p>one<br>three</p>'],
      ['<h2>Title</h2><p>text</p>', '<p>text</p>'],
    ] as const
    const words = (html: string, without: string) => {
      const side = document.createElement('div')
      side.innerHTML = html
      for (const element of side.querySelectorAll(without)) element.remove()
      return (side.textContent ?? '').split(/\s+/).filter(Boolean)
    }
    for (const [before, after] of pairs) {
      const unified = richDiff(before, after)
        .map((block) => block.unified)
        .join('\n')
      expect(words(unified, 'ins')).toEqual(visibleText(before).split(/\s+/))
      expect(words(unified, 'del')).toEqual(visibleText(after).split(/\s+/))
    }
  })
})
