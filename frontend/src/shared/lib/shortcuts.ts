/**
 * Shortcuts as text: parts joined by `+`, keys in sequence joined by a space: `mod+k`, `shift+c`, `g h`, `?`.
 * `mod` is Command on Apple machines and Control elsewhere.
 */
export interface Stroke {
  key: string
  mod: boolean
  shift: boolean
  alt: boolean
}

export type KeyLike = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'shiftKey' | 'altKey'>

export function isApple(): boolean {
  return /Mac|iPhone|iPad/.test(navigator.userAgent)
}

export function parseShortcut(shortcut: string): Stroke[] {
  return shortcut
    .toLowerCase()
    .split(' ')
    .filter(Boolean)
    .map((stroke) => {
      const parts = stroke === '+' ? ['+'] : stroke.split('+')
      return {
        key: parts.at(-1) ?? '',
        mod: parts.includes('mod'),
        shift: parts.includes('shift'),
        alt: parts.includes('alt'),
      }
    })
}

/** Tells whether a key press is `stroke`. Shift is not compared for signs such as `?`, which layouts place differently. */
export function matchesStroke(event: KeyLike, stroke: Stroke, apple = isApple()): boolean {
  const key = event.key.toLowerCase()
  const isSign = key.length === 1 && key.toUpperCase() === key && !/\d/.test(key)
  const mod = apple ? event.metaKey : event.ctrlKey
  const otherMod = apple ? event.ctrlKey : event.metaKey
  return (
    key === stroke.key &&
    mod === stroke.mod &&
    !otherMod &&
    event.altKey === stroke.alt &&
    (isSign || event.shiftKey === stroke.shift)
  )
}

const NAMES: Record<string, string> = {
  arrowup: '↑',
  arrowdown: '↓',
  arrowleft: '←',
  arrowright: '→',
  enter: 'Enter',
  escape: 'Esc',
  ' ': 'Space',
  space: 'Space',
  pageup: 'PgUp',
  pagedown: 'PgDn',
  delete: 'Del',
}

/** Returns what to print on the key caps of a shortcut: one list for each stroke. */
export function shortcutCaps(shortcut: string, apple = isApple()): string[][] {
  return parseShortcut(shortcut).map((stroke) => [
    ...(stroke.mod ? [apple ? '⌘' : 'Ctrl'] : []),
    ...(stroke.alt ? [apple ? '⌥' : 'Alt'] : []),
    ...(stroke.shift ? [apple ? '⇧' : 'Shift'] : []),
    NAMES[stroke.key] ?? (stroke.key.length === 1 ? stroke.key.toUpperCase() : capitalise(stroke.key)),
  ])
}

function capitalise(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

/** Tells whether typing at `target` writes text, so that single keys belong to it. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false
  if (target.isContentEditable) return true
  if (target instanceof HTMLInputElement) {
    return !['checkbox', 'radio', 'button', 'submit', 'range', 'file', 'color'].includes(target.type)
  }
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
}
