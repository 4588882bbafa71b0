import { useEventListener } from '@vueuse/core'
import { isTyping, matchesStroke, parseShortcut } from '../lib/shortcuts'
import { allCommands } from './useCommands'
import { usePreferences } from './usePreferences'

const SEQUENCE_MS = 1000
const MODIFIERS = new Set(['Shift', 'Control', 'Alt', 'Meta'])

/** Runs commands by their shortcuts. Called once, by the application. */
export function useShortcuts(): void {
  const preferences = usePreferences()
  let pressed: KeyboardEvent[] = []
  let pressedAt = 0

  useEventListener(window, 'keydown', (event: KeyboardEvent) => {
    if (event.defaultPrevented || event.isComposing || MODIFIERS.has(event.key)) return
    const plain = !event.ctrlKey && !event.metaKey && !event.altKey
    if (plain && (isTyping(event.target) || !preferences.singleKeys || insideDialog(event.target))) return
    if (event.timeStamp - pressedAt > SEQUENCE_MS) pressed = []
    pressedAt = event.timeStamp
    pressed = [...pressed, event].slice(-2)
    for (const command of allCommands.value) {
      if (!command.shortcut || command.shown) continue
      const strokes = parseShortcut(command.shortcut)
      const keys = pressed.slice(-strokes.length)
      if (keys.length !== strokes.length) continue
      if (!strokes.every((stroke, index) => matchesStroke(keys[index] as KeyboardEvent, stroke))) continue
      event.preventDefault()
      pressed = []
      void command.run()
      return
    }
  })
}

function insideDialog(target: EventTarget | null): boolean {
  return (
    target instanceof Element && target.closest('[role="dialog"], [role="menu"], [role="listbox"]') !== null
  )
}
