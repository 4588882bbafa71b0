import { useClipboard } from '@vueuse/core'
import { computed, ref } from 'vue'
import { useRouter } from 'vue-router'
import { useSession } from '@/features/identity'
import { useCommands, type Command } from '@/shared/composables/useCommands'
import { useNotify } from '@/shared/composables/useNotify'
import { useShortcutHelp } from '@/shared/composables/useShortcutHelp'
import { useTheme } from '@/shared/composables/useTheme'
import { t } from '@/shared/i18n'

export const paletteOpen = ref(false)
export const { open: sheetOpen } = useShortcutHelp()

/** The commands that are there on every page. */
export function useShellCommands(options: { toggleNavigation: () => void }): void {
  const router = useRouter()
  const session = useSession()
  const notify = useNotify()
  const { toggle } = useTheme()
  const { copy } = useClipboard({ legacy: true })

  async function copyLink(): Promise<void> {
    await copy(location.href)
    notify.info(t('shell.permalinkCopied'))
  }

  const general = t('shell.commands.general')
  const navigation = t('shell.commands.navigation')
  const commands = computed<Command[]>(() => [
    {
      id: 'shell.palette',
      title: t('shell.commands.palette'),
      group: general,
      icon: 'i-lucide-search',
      shortcut: 'mod+k',
      keyOnly: true,
      run: () => (paletteOpen.value = !paletteOpen.value),
    },
    {
      id: 'shell.shortcuts',
      title: t('shell.commands.shortcuts'),
      group: general,
      icon: 'i-lucide-keyboard',
      shortcut: '?',
      run: () => (sheetOpen.value = true),
    },
    {
      id: 'shell.permalink',
      title: t('shell.commands.permalink'),
      group: general,
      icon: 'i-lucide-link',
      shortcut: 'mod+shift+c',
      run: copyLink,
    },
    {
      id: 'shell.sidebar',
      title: t('shell.commands.sidebar'),
      group: general,
      icon: 'i-lucide-panel-left',
      shortcut: '[',
      run: options.toggleNavigation,
    },
    {
      id: 'shell.theme',
      title: t('shell.commands.theme'),
      group: general,
      icon: 'i-lucide-sun-moon',
      run: toggle,
    },
    {
      id: 'shell.projects',
      title: t('shell.commands.projects'),
      group: navigation,
      icon: 'i-lucide-layout-grid',
      shortcut: 'g p',
      run: () => router.push('/'),
    },
    {
      id: 'shell.account',
      title: t('shell.commands.account'),
      group: navigation,
      icon: 'i-lucide-user',
      shortcut: 'g a',
      run: () => router.push({ name: 'account' }),
    },
    {
      id: 'shell.jobs',
      title: t('shell.commands.jobs'),
      group: navigation,
      icon: 'i-lucide-list-checks',
      shortcut: 'g j',
      run: () => router.push({ name: 'jobs' }),
    },
    {
      id: 'shell.sign-out',
      title: t('shell.commands.signOut'),
      group: general,
      icon: 'i-lucide-log-out',
      run: () => session.signOut(),
    },
  ])
  useCommands(() => commands.value)
}
