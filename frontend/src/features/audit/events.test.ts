import { describe, expect, it } from 'vitest'
import { queryOf } from './audit.api'
import { changesOf, plain } from './events'

describe('the values of an event', () => {
  it('stand side by side, and a field that is on one side alone is shown too', () => {
    const event = { old: { role: 'viewer', gone: 1 }, new: { role: 'owner', names: ['a', 'b'] } }
    expect(changesOf(event)).toEqual([
      { field: 'role', before: 'viewer', after: 'owner' },
      { field: 'gone', before: '1', after: '' },
      { field: 'names', before: '', after: 'a, b' },
    ])
    expect(changesOf({ old: null, new: null })).toEqual([])
  })

  it('are read as text', () => {
    expect(plain({ item: 2 })).toBe('{"item":2}')
    expect(plain(false)).toBe('false')
    expect(plain(null)).toBe('')
  })
})

describe('a search', () => {
  const search = { q: '', action: '', outcome: '', actor: '', subject: '', since: '', until: '' }

  it('includes both of its days', () => {
    const { since, until } = queryOf({ ...search, since: '2026-11-01', until: '2026-11-01' })
    expect(new Date(until ?? '').getTime() - new Date(since ?? '').getTime()).toBe(24 * 3600 * 1000)
  })

  it('leaves out what is no day and no outcome', () => {
    const asked = queryOf({ ...search, since: 'yesterday', until: '2026-99-99', outcome: 'maybe' })
    expect(Object.values(asked).filter(Boolean)).toEqual([])
  })
})
