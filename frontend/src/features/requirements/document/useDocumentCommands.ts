import { computed, type Ref } from 'vue'
import { useCommands, type Command } from '@/shared/composables/useCommands'
import { t, type MessageKey } from '@/shared/i18n'
import type { Direction } from './outline'

interface State {
  title: Ref<string>
  layout: Ref<'document' | 'grid'>
  canEdit: Ref<boolean>
  canRestore: Ref<boolean>
}

interface Verbs {
  find: () => void
  print: () => Promise<void>
  copyLink: () => Promise<void>
  history: () => unknown
  peek: () => void
  add: (child: boolean) => Promise<void>
  move: (direction: Direction) => Promise<void>
  remove: () => Promise<void>
  edit: () => void
  select: () => void
  restore: () => void
}

/**
 * What can be done in a document, for the palette and the sheet of shortcuts. The keys of the rows are `shown` only:
 * the treegrid handles them, so that they mean nothing elsewhere on the page.
 */
export function useDocumentCommands({ title, layout, canEdit, canRestore }: State, verbs: Verbs): void {
  const moves: [Direction, MessageKey, string][] = [
    ['up', 'document.moveUp', 'arrowup'],
    ['down', 'document.moveDown', 'arrowdown'],
    ['indent', 'document.indent', 'arrowright'],
    ['outdent', 'document.outdent', 'arrowleft'],
  ]
  const commands = computed<Command[]>(() => {
    const group = title.value || t('document.document')
    const rows = { group, shown: true }
    const editing = { ...rows, disabled: !canEdit.value }
    const other = layout.value === 'grid' ? ('document' as const) : ('grid' as const)
    return [
      { id: 'document.find', title: t('document.find.label'), group, shortcut: 'mod+f', run: verbs.find },
      { id: 'document.print', title: t('document.print.action'), group, shortcut: 'mod+p', run: verbs.print },
      {
        id: 'document.view',
        title: t(other === 'document' ? 'document.showDocument' : 'document.showGrid'),
        group,
        shortcut: 'v',
        run: () => (layout.value = other),
      },
      {
        id: 'document.link',
        title: t('document.copyLink'),
        group,
        shortcut: 'mod+shift+c',
        run: verbs.copyLink,
      },
      {
        id: 'document.history',
        title: t('timeline.open'),
        group,
        icon: 'i-lucide-history',
        shortcut: 'h',
        run: verbs.history,
      },
      {
        id: 'document.restore',
        title: t('document.restore'),
        group,
        icon: 'i-lucide-archive-restore',
        shortcut: 'r',
        disabled: !canRestore.value,
        run: verbs.restore,
      },
      { ...rows, id: 'document.peek', title: t('document.peek.toggle'), shortcut: 'space', run: verbs.peek },
      {
        ...editing,
        id: 'document.add',
        title: t('document.add'),
        shortcut: 'c',
        run: () => verbs.add(false),
      },
      {
        ...editing,
        id: 'document.addChild',
        title: t('document.addChild'),
        shortcut: 'shift+c',
        run: () => verbs.add(true),
      },
      {
        ...editing,
        id: 'document.edit',
        title: t('document.editItem'),
        shortcut: 'enter',
        run: verbs.edit,
      },
      ...moves.map(([direction, name, key]) => ({
        ...editing,
        id: `document.${direction}`,
        title: t(name),
        shortcut: `alt+shift+${key}`,
        run: () => verbs.move(direction),
      })),
      { ...rows, id: 'document.select', title: t('document.select'), shortcut: 'x', run: verbs.select },
      {
        ...editing,
        id: 'document.delete',
        title: t('document.delete'),
        shortcut: 'delete',
        run: verbs.remove,
      },
    ]
  })
  useCommands(() => commands.value)
}
