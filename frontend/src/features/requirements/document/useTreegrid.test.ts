import { describe, expect, it } from 'vitest'
import { keyAction } from './useTreegrid'

const press = (key: string, init: KeyboardEventInit = {}) => new KeyboardEvent('keydown', { key, ...init })

describe('keyAction', () => {
  it('walks over rows', () => {
    expect(keyAction(press('ArrowDown'), false)).toEqual({ kind: 'row', by: 1 })
    expect(keyAction(press('k'), true)).toEqual({ kind: 'row', by: -1 })
    expect(keyAction(press('End'), false)?.kind).toBe('row')
    expect(keyAction(press('End', { ctrlKey: true }), true)?.kind).toBe('row')
    expect(keyAction(press('Home', { ctrlKey: true }), false)?.kind).toBe('row')
  })
  it('walks over cells in a grid, and in and out of the tree in a document', () => {
    expect(keyAction(press('ArrowRight'), true)).toEqual({ kind: 'cell', by: 1 })
    expect(keyAction(press('End'), true)?.kind).toBe('cell')
    expect(keyAction(press('ArrowRight'), false)).toEqual({ kind: 'in' })
    expect(keyAction(press('ArrowLeft'), false)).toEqual({ kind: 'out' })
  })
  it('moves and indents with Alt and Shift', () => {
    const keys = { altKey: true, shiftKey: true }
    expect(keyAction(press('ArrowUp', keys), true)).toEqual({ kind: 'move', direction: 'up' })
    expect(keyAction(press('ArrowRight', keys), true)).toEqual({ kind: 'move', direction: 'indent' })
    expect(keyAction(press('ArrowRight', { altKey: true }), true)).toBeNull()
  })
  it('extends the selection with Shift', () => {
    expect(keyAction(press('ArrowDown', { shiftKey: true }), false)).toEqual({ kind: 'extend', by: 1 })
  })
  it('tells a sibling from a child, and leaves what belongs to others alone', () => {
    expect(keyAction(press('c'), false)?.kind).toBe('add')
    expect(keyAction(press('C', { shiftKey: true }), false)?.kind).toBe('addChild')
    expect(keyAction(press('c', { ctrlKey: true }), false)).toBeNull()
    expect(keyAction(press('q'), false)).toBeNull()
  })
})
