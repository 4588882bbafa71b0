import DOMPurify from 'dompurify'
import { align, type Pair } from './align'
import { diffWords, similarity, type PieceKind } from './wordDiff'

/** One block (paragraph, list item, table row, picture …) of a rich text, on both sides. Its HTML is safe. */
export interface BlockDiff {
  kind: 'same' | 'added' | 'removed' | 'changed' | 'formatting'
  /** The old side with the removed words marked; null when there is none. */
  before: string | null
  /** The new side with the added words marked. */
  after: string | null
  /** Both in one, for the unified view. */
  unified: string
}

const ALIKE = 0.35

/** Compares two rich texts: blocks are aligned, then the words inside each pair. */
export function richDiff(before: string, after: string): BlockDiff[] {
  return align(blocksOf(before), blocksOf(after), blockScore).map(compareBlocks)
}

/** Whether readers see the same words on both sides and only the formatting differs. */
export function formattingOnly(before: string, after: string): boolean {
  return before !== after && visibleText(before) === visibleText(after)
}

/** The words of a markup as a reader sees them. */
export function visibleText(html: string): string {
  return blocksOf(html).map(textOf).join('\n')
}

function blocksOf(html: string): Element[] {
  const clean = DOMPurify.sanitize(html, { RETURN_DOM: true, ADD_ATTR: ['data-path'] }) as HTMLElement
  keepWordsApart(clean)
  const blocks: Element[] = []
  let loose: Element | null = null
  for (const node of [...clean.childNodes]) {
    if (node instanceof Element && isBlock(node)) {
      loose = null
      blocks.push(...split(node))
    } else if (loose || (node.textContent ?? '').trim() || node instanceof Element) {
      if (!loose) {
        loose = document.createElement('p')
        blocks.push(loose)
      }
      loose.append(node)
    }
  }
  return blocks
}

/** The last word of a cell and the first of the next one are two words, though no space stands between them. */
function keepWordsApart(root: Element): void {
  for (const end of root.querySelectorAll('td, th, li, p, br, dt, dd, div')) {
    if (!end.closest('pre')) end.after('\n')
  }
}

const BLOCKS = new Set('ADDRESS BLOCKQUOTE DIV DL FIGURE H1 H2 H3 H4 H5 H6 HR OL P PRE TABLE UL'.split(' '))

function isBlock(node: Element): boolean {
  return BLOCKS.has(node.tagName.toUpperCase())
}

/** Takes lists and tables apart into their items and rows, each in a shell of its own, and unwraps plain containers. */
function split(block: Element): Element[] {
  const tag = block.tagName.toUpperCase()
  if (tag === 'DIV' && [...block.children].some(isBlock)) return [...block.children].flatMap(split)
  if (tag === 'UL' || tag === 'OL') {
    const first = Number(block.getAttribute('start') ?? 1)
    return [...block.children].map((item, index) => {
      const shell = block.cloneNode(false) as Element
      if (tag === 'OL') shell.setAttribute('start', String(first + index))
      shell.append(item.cloneNode(true))
      return shell
    })
  }
  if (tag === 'TABLE') {
    return [...block.querySelectorAll('tr')].map((row) => {
      const shell = block.cloneNode(false) as Element
      const body = block.ownerDocument.createElement('tbody')
      body.append(row.cloneNode(true))
      shell.append(body)
      return shell
    })
  }
  return [block]
}

function textOf(block: Element): string {
  return (block.textContent ?? '').replace(/\s+/g, ' ').trim()
}

function blockScore(a: Element, b: Element): number {
  if (a.outerHTML === b.outerHTML) return 1
  const [old, now] = [textOf(a), textOf(b)]
  if (old === now && old) return 0.99
  const alike = similarity(old, now)
  const sameTag = a.tagName === b.tagName ? 1 : 0.8
  return alike >= ALIKE ? Math.min(0.98, alike * sameTag) : 0
}

function compareBlocks({ before, after }: Pair<Element>): BlockDiff {
  if (!before)
    return { kind: 'added', before: null, after: marked(after, 'ins'), unified: marked(after, 'ins') }
  if (!after)
    return { kind: 'removed', before: marked(before, 'del'), after: null, unified: marked(before, 'del') }
  if (before.outerHTML === after.outerHTML) return same(before.outerHTML)
  if (textOf(before) === textOf(after)) {
    return { kind: 'formatting', before: before.outerHTML, after: after.outerHTML, unified: after.outerHTML }
  }
  const pieces = diffWords(before.textContent ?? '', after.textContent ?? '')
  const old = before.cloneNode(true) as Element
  const now = after.cloneNode(true) as Element
  const both = after.cloneNode(true) as Element
  mark(
    old,
    pieces.filter((piece) => piece.kind !== 'added'),
    'del',
  )
  mark(
    now,
    pieces.filter((piece) => piece.kind !== 'removed'),
    'ins',
  )
  mark(both, pieces, 'ins')
  return { kind: 'changed', before: old.outerHTML, after: now.outerHTML, unified: both.outerHTML }
}

function same(html: string): BlockDiff {
  return { kind: 'same', before: html, after: html, unified: html }
}

function marked(block: Element | null, tag: 'ins' | 'del'): string {
  if (!block) return ''
  const copy = block.cloneNode(true) as Element
  const text = copy.textContent ?? ''
  if (text.trim()) mark(copy, [{ kind: tag === 'ins' ? 'added' : 'removed', text }], tag)
  for (const picture of copy.querySelectorAll('img'))
    picture.classList.add(tag === 'ins' ? 'diff-added' : 'diff-removed')
  return copy.outerHTML
}

/**
 * Wraps the pieces that are not the same, walking the text nodes of `root` in step with the pieces. Text that `root`
 * does not have (removed words, in the unified view) is put in where the walk stands.
 */
function mark(root: Element, pieces: readonly { kind: PieceKind; text: string }[], own: 'ins' | 'del'): void {
  const foreign: PieceKind = own === 'ins' ? 'removed' : 'added'
  const texts = textNodes(root)
  let current = texts.shift()
  let passed: ChildNode | null = null
  for (const piece of pieces) {
    if (piece.kind === foreign) {
      const element = wrap(own === 'ins' ? 'del' : 'ins', piece.text)
      if (current && isFree(current)) current.before(element)
      else if (passed) passed.after(element)
      else firstHolder(root).prepend(element)
      passed = element
      continue
    }
    let left = piece.text.length
    while (left > 0 && current) {
      const rest: Text | undefined = current.length > left ? current.splitText(left) : undefined
      left -= current.length
      if (isFree(current)) {
        passed = piece.kind === 'same' ? current : wrap(own, current.data)
        if (passed !== current) current.replaceWith(passed)
      }
      current = rest ?? texts.shift()
    }
  }
}

function wrap(tag: 'ins' | 'del', text: string): HTMLElement {
  const element = document.createElement(tag)
  element.textContent = text
  return element
}

function textNodes(root: Element): Text[] {
  const texts: Text[] = []
  const walker = root.ownerDocument.createTreeWalker(root, NodeFilter.SHOW_TEXT)
  while (walker.nextNode()) texts.push(walker.currentNode as Text)
  return texts
}

/** Where text may stand in a block that begins with none: in its first cell or point, or in itself. */
function firstHolder(root: Element): Element {
  return root.querySelector('td, th, li, dt, dd') ?? root
}

function isFree(text: Text): boolean {
  return text.parentElement !== null && !isStructural(text.parentElement)
}

/** White space between rows and cells must stay bare: an element there would break the table or the list. */
function isStructural(element: Element): boolean {
  return ['TABLE', 'TBODY', 'THEAD', 'TR', 'UL', 'OL', 'DL'].includes(element.tagName.toUpperCase())
}
