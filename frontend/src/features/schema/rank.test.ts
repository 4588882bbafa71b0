import { describe, expect, it } from 'vitest'
import { rankBetween, ranks } from './rank'

describe('rankBetween', () => {
  it.each([
    [null, null],
    ['V', null],
    [null, 'V'],
    ['V', 'W'],
    ['V', 'V1'],
    ['zz', null],
    [null, '01'],
    ['0001', '0002'],
    ['19', '2'],
  ])('finds room between %s and %s', (low, high) => {
    const rank = rankBetween(low, high)
    if (low !== null) expect(rank > low).toBe(true)
    if (high !== null) expect(rank < high).toBe(true)
    expect(rank).not.toMatch(/0$/)
  })

  it('stays in order through many insertions at one place', () => {
    let high = rankBetween(null, null)
    const low = rankBetween(null, high)
    for (let n = 0; n < 200; n += 1) {
      const next = rankBetween(low, high)
      expect(low < next && next < high).toBe(true)
      high = next
    }
  })

  it('refuses bounds that are not in order', () => {
    expect(() => rankBetween('V', 'V')).toThrow(RangeError)
  })

  it('makes ascending ranks', () => {
    const made = ranks(80)
    expect([...made].sort()).toEqual(made)
    expect(new Set(made).size).toBe(80)
  })
})
