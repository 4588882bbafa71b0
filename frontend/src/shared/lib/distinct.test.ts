import { expect, it } from 'vitest'
import { distinctNames } from './distinct'

it('numbers what has the name of another', () => {
  const labels = ['Requirement', 'Heading', 'Requirement', 'Requirement'].map((name) => ({ name }))
  expect(distinctNames(labels).map((entry) => entry.label)).toEqual([
    'Requirement',
    'Heading',
    'Requirement (2)',
    'Requirement (3)',
  ])
})
