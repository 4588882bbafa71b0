export interface Attachment {
  name: string
  url: string
  picture: boolean
}

/** Returns the files that rich texts show or link to, each once, in order. */
export function attachmentsOf(texts: readonly unknown[]): Attachment[] {
  const found = new Map<string, Attachment>()
  for (const text of texts) {
    if (typeof text !== 'string' || !text.includes('data-path')) continue
    const page = new DOMParser().parseFromString(text, 'text/html')
    for (const element of page.querySelectorAll('[data-path]')) {
      const path = element.getAttribute('data-path') ?? ''
      const picture = element.localName === 'img'
      const url = element.getAttribute(picture ? 'src' : 'href') ?? ''
      if (url.startsWith('/')) found.set(path, { name: path.split('/').at(-1) ?? path, url, picture })
    }
  }
  return [...found.values()]
}
