import { describe, expect, it } from 'vitest'
import { fuzzyFilter, mostPerGroup } from './fuzzy'

describe('fuzzyFilter', () => {
  it('puts the beginning of a word before scattered letters, and leaves out what lacks a letter', () => {
    const found = fuzzyFilter('his', ['Show things', 'The history', 'History', 'Compare'], (text) => text)
    expect(found).toEqual(['History', 'The history', 'Show things'])
  })

  it('keeps everything in order when nothing is typed', () => {
    expect(fuzzyFilter(' ', ['b', 'a'], (text) => text)).toEqual(['b', 'a'])
  })
})

describe('mostPerGroup', () => {
  it('cuts each group by itself, so that many of one never crowd out another', () => {
    const projects = Array.from({ length: 100 }, (_, index) => `project ${index}`)
    const kept = mostPerGroup(
      [...projects, 'document 1', 'history', 'compare'],
      (entry) => (entry.includes(' ') ? (entry.split(' ')[0] ?? null) : null),
      3,
    )
    expect(kept).toEqual(['project 0', 'project 1', 'project 2', 'document 1', 'history', 'compare'])
  })
})
