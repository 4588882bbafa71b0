import { describe, expect, it } from 'vitest'
import type { Item } from '@/api/types'
import { attachmentsOf } from './attachments'

const item = (text: string, attributes: Record<string, unknown> = {}) => ({ text, attributes }) as Item
const FILES = '/api/v1/projects/BRK/files'

describe('attachmentsOf', () => {
  it('finds pictures and files of all rich texts, each once', () => {
    const text = `<p>See <img src="${FILES}/aa/plan.png" data-path="media/plan.png"> and
      <a href="${FILES}/bb/test%20plan.pdf">the plan</a></p>`
    expect(attachmentsOf(item(text, { one: text, two: ['id'], three: true }))).toEqual([
      { path: 'media/plan.png', url: `${FILES}/aa/plan.png`, name: 'plan.png', picture: true },
      { path: '', url: `${FILES}/bb/test%20plan.pdf`, name: 'test plan.pdf', picture: false },
    ])
  })

  it('leaves links to elsewhere alone', () => {
    expect(attachmentsOf(item('<a href="https://example.com/files/x">x</a><img src="data:,x">'))).toEqual([])
  })
})
