import type { Item } from '@/api/types'

export interface Attachment {
  /** Where it is in the project's files, as the text refers to it. */
  path: string
  url: string
  name: string
  picture: boolean
}

const OWN_FILE = /^\/api\/v1\/projects\/[^/]+\/files\//

/** Returns the files that the rich texts of an item refer to, each once, in the order of their first mention. */
export function attachmentsOf(item: Item): Attachment[] {
  const found = new Map<string, Attachment>()
  for (const html of [item.text, ...Object.values(item.attributes)]) {
    if (typeof html !== 'string' || !html.includes('/files/')) continue
    const body = new DOMParser().parseFromString(html, 'text/html').body
    for (const element of body.querySelectorAll('img[src], a[href]')) {
      const url = element.getAttribute(element.tagName === 'IMG' ? 'src' : 'href') ?? ''
      if (!OWN_FILE.test(url) || found.has(url)) continue
      const path = element.getAttribute('data-path') ?? ''
      const name = path.split('/').at(-1) || decodeURIComponent(url.split('/').at(-1) ?? '')
      found.set(url, { path, url, name, picture: element.tagName === 'IMG' })
    }
  }
  return [...found.values()]
}
