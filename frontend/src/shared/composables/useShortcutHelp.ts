import { computed, ref } from 'vue'
import { allCommands, type Command } from './useCommands'

const open = ref(false)

/** The sheet of shortcuts: whether it is open, and what it lists by group. */
export function useShortcutHelp() {
  const groups = computed(() => {
    const byGroup = new Map<string, Command[]>()
    for (const command of allCommands.value) {
      if (command.shortcut) byGroup.set(command.group, [...(byGroup.get(command.group) ?? []), command])
    }
    return [...byGroup].map(([name, commands]) => ({ name, commands }))
  })
  return { open, groups }
}
