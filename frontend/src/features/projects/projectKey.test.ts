import { describe, expect, it } from 'vitest'
import { keyProblem, proposeKey } from './projectKey'

describe('project keys', () => {
  it('names what is wrong with a key', () => {
    expect(keyProblem('', new Set())).toBe('empty')
    expect(keyProblem('b', new Set())).toBe('form')
    expect(keyProblem('1AB', new Set())).toBe('form')
    expect(keyProblem('BRK', new Set(['BRK']))).toBe('taken')
    expect(keyProblem('BRK', new Set())).toBeNull()
  })

  it('proposes a free key for a name', () => {
    expect(proposeKey('Electronic parking brake', new Set())).toBe('EPB')
    expect(proposeKey('Electronic parking brake', new Set(['EPB']))).toBe('EPB2')
    expect(proposeKey('Brake', new Set())).toBe('BRKR')
  })
})
