import { describe, expect, it } from 'vitest'
import { keepTyped, takeTyped } from './typeahead'

const press = (key: string, init: KeyboardEventInit = {}) => new KeyboardEvent('keydown', { key, ...init })

describe('what is typed before the editor is there', () => {
  it('is kept in order and given once', () => {
    expect(['H', 'i', ' '].map((key) => keepTyped(press(key)))).toEqual([true, true, true])
    expect(takeTyped()).toBe('Hi ')
    expect(takeTyped()).toBe('')
  })
  it('does not take keys that write nothing', () => {
    expect(keepTyped(press('Escape'))).toBe(false)
    expect(keepTyped(press('z', { ctrlKey: true }))).toBe(false)
    expect(takeTyped()).toBe('')
  })
})
