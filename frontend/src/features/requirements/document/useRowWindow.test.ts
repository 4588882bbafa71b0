import { describe, expect, it } from 'vitest'
import { withFocused } from './useRowWindow'

describe('withFocused', () => {
  it('keeps the row with the focus, before, in or behind what is in sight', () => {
    expect(withFocused([4, 5, 6], 1, 10)).toEqual([1, 4, 5, 6])
    expect(withFocused([4, 5, 6], 5, 10)).toEqual([4, 5, 6])
    expect(withFocused([4, 5, 6], 9, 10)).toEqual([4, 5, 6, 9])
  })
  it('has none when there is none', () => {
    expect(withFocused([0], -1, 10)).toEqual([0])
    expect(withFocused([], 0, 0)).toEqual([])
  })
})
