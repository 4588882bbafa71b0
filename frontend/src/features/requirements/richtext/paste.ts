/**
 * Cleans what word processors put on the clipboard: their styles, their own elements and their lists, which Word writes
 * as paragraphs with a sign in front. Tables, lists, links and emphasis stay.
 */
export function cleanPasted(html: string): string {
  const page = new DOMParser().parseFromString(withoutStyles(withoutConditions(html)), 'text/html')
  for (const element of page.querySelectorAll('style, meta, link, script, title, xml')) element.remove()
  for (const element of [...page.body.querySelectorAll('*')]) {
    if (element.nodeName.includes(':')) element.replaceWith(...element.childNodes)
  }
  rebuildLists(page)
  for (const element of page.body.querySelectorAll('*')) {
    keepEmphasis(element)
    for (const name of [STYLE, 'class', 'lang', 'id', 'dir', 'align', 'width', 'height']) {
      if (!(element.localName === 'img' && (name === 'width' || name === 'height')))
        element.removeAttribute(name)
    }
  }
  for (const element of [...page.body.querySelectorAll('span, font')]) {
    if (element.attributes.length === 0 || element.localName === 'font') {
      element.replaceWith(...element.childNodes)
    }
  }
  for (const paragraph of page.body.querySelectorAll('p')) {
    if (!paragraph.textContent?.replace(/\u00a0/g, ' ').trim() && !paragraph.querySelector('img'))
      paragraph.remove()
  }
  return page.body.innerHTML.trim()
}

/** Drops conditional comments with what is in them, and what stands outside the copied fragment. */
function withoutConditions(html: string): string {
  const fragment = /<!--StartFragment-->([\s\S]*?)<!--EndFragment-->/.exec(html)
  return (fragment?.[1] ?? html)
    .replace(/<!--\[if [\s\S]*?<!\[endif\]-->/g, '')
    .replace(/<!\[if !?[^\]]*\]>|<!\[endif\]>/g, '')
}

/** Where the styles of what is pasted are kept to be read. */
const STYLE = 'data-style'

/**
 * Renames style attributes and drops style elements: the page's policy allows neither, also in a document that is only
 * parsed, and the browser reports each as a violation.
 */
function withoutStyles(html: string): string {
  return html
    .replace(/<style\b[\s\S]*?<\/style\s*>/gi, '')
    .replace(/<[a-z](?:"[^"]*"|'[^']*'|[^>"'])*>/gi, (tag) =>
      tag.replace(/(\s)style(?=\s*=)/gi, `$1${STYLE}`),
    )
}

const LEVEL = /mso-list:\s*l\d+\s+level(\d+)/
const NUMBERED = /^\s*(?:\d+|[a-z]|[ivx]+)[.)]/i

function rebuildLists(page: Document): void {
  const open: HTMLElement[] = []
  for (const paragraph of [...page.body.querySelectorAll('p')]) {
    const level = Number(LEVEL.exec(paragraph.getAttribute(STYLE) ?? '')?.[1] ?? 0)
    const follows = open.length > 0 && paragraph.previousElementSibling === open[0]
    if (level === 0) {
      open.length = 0
      continue
    }
    if (!follows) open.length = 0
    const sign = [...paragraph.querySelectorAll('span')].find((span) =>
      (span.getAttribute(STYLE) ?? '').includes('mso-list:Ignore'),
    )
    const kind = NUMBERED.test(sign?.textContent ?? paragraph.textContent ?? '') ? 'ol' : 'ul'
    sign?.remove()
    open.length = Math.min(open.length, level)
    while (open.length < level) {
      const list = page.createElement(kind)
      const parent = open.at(-1)
      if (!parent) paragraph.before(list)
      else (parent.lastElementChild ?? parent).append(list)
      open.push(list)
    }
    const entry = page.createElement('li')
    entry.append(...paragraph.childNodes)
    open.at(-1)?.append(entry)
    paragraph.remove()
  }
}

/** Word says bold in styles as often as in elements. */
function keepEmphasis(element: Element): void {
  const style = element.getAttribute(STYLE) ?? ''
  if (element.localName !== 'span' || !element.textContent) return
  const kind = /font-weight:\s*(bold|[6-9]00)/.test(style)
    ? 'strong'
    : /font-style:\s*italic/.test(style)
      ? 'em'
      : null
  if (!kind) return
  const emphasis = element.ownerDocument.createElement(kind)
  emphasis.append(...element.childNodes)
  element.append(emphasis)
}
