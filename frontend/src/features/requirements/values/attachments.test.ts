import { describe, expect, it } from 'vitest'
import { attachmentsOf } from './attachments'

describe('attachmentsOf', () => {
  it('finds pictures and files once each, whatever else is in the values', () => {
    const text =
      '<p><img src="/api/files/1/a.png" data-path="media/a.png"> and <a href="/api/files/2/b.pdf" data-path="b.pdf">b</a></p>'
    expect(attachmentsOf([text, text, null, ['x'], true, 'plain data-path'])).toEqual([
      { name: 'a.png', url: '/api/files/1/a.png', picture: true },
      { name: 'b.pdf', url: '/api/files/2/b.pdf', picture: false },
    ])
  })
  it('leaves out what points elsewhere', () => {
    expect(attachmentsOf(['<a href="https://example.org/x" data-path="x">x</a>'])).toEqual([])
  })
})
