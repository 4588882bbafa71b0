/**
 * What was typed while an editor was on its way: opening it takes some frames, and nobody should have to wait for it.
 * There is one keyboard, hence one buffer.
 */
let typed = ''

/** Keeps a key press for the editor that opens; returns whether it was one that writes. */
export function keepTyped(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || event.key.length !== 1)
    return false
  typed += event.key
  return true
}

/** Returns what was kept, once. */
export function takeTyped(): string {
  const text = typed
  typed = ''
  return text
}
