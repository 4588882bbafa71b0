import { computed, type Ref } from 'vue'
import { useRoute, useRouter } from 'vue-router'
import { useDocuments, useItemSearch, useProjects } from '@/features/projects'
import { useBaselines } from '@/features/versioning'
import { useBranches } from '@/shared/composables/useBranches'
import { allCommands } from '@/shared/composables/useCommands'
import { t } from '@/shared/i18n'
import { fuzzyFilter, mostPerGroup } from '@/shared/lib/fuzzy'

export interface PaletteEntry {
  id: string
  group: string
  title: string
  detail?: string
  icon: string
  shortcut?: string
  keywords: string
  run: () => unknown
}

const KEY = /^([a-z][a-z0-9]{1,9})-(\d+)$/i
const BARE_NUMBER = /^\d+$/
/** Documents or projects shown at once: a company has hundreds, and the commands must not sink below them. */
const MOST_OF_A_KIND = 8

/** What the palette offers for `query`, best first: an item's key, documents, projects, commands, and the items that hold the words. */
export function usePaletteEntries(query: Ref<string>) {
  const route = useRoute()
  const router = useRouter()
  const project = computed(() => (typeof route.params.project === 'string' ? route.params.project : ''))
  const at = computed(() => (typeof route.query.at === 'string' ? route.query.at : ''))
  const { active: documents } = useDocuments(project, at)
  const { active: projects } = useProjects()
  const { branches } = useBranches(project)
  const { baselines } = useBaselines(project)
  const { items: found } = useItemSearch(project, at, query)

  /** Shows the same page at another version; without one, now. */
  const lookAt = (ref: string | undefined) => router.push({ query: { ...route.query, at: ref } })

  const fixed = computed<PaletteEntry[]>(() => [
    ...documents.value.map((document) => ({
      id: `document.${document.id}`,
      group: t('shell.palette.groups.documents'),
      title: document.title,
      icon: 'i-lucide-file-text',
      keywords: '',
      run: () => router.push(`/p/${project.value}/d/${document.id}`),
    })),
    ...branches.value
      .filter((branch) => branch.state === 'open' && branch.name !== (at.value || 'main'))
      .map((branch) => ({
        id: `branch.${branch.id}`,
        group: t('shell.palette.groups.branches'),
        title: t('shell.palette.switchTo', { name: branch.name }),
        icon: 'i-lucide-git-branch',
        keywords: '',
        run: () => lookAt(branch.parent === null ? undefined : branch.name),
      })),
    ...baselines.value.map((baseline) => ({
      id: `baseline.${baseline.id}`,
      group: t('shell.palette.groups.baselines'),
      title: t('shell.palette.lookAt', { name: baseline.name }),
      icon: 'i-lucide-bookmark',
      keywords: '',
      run: () => lookAt(baseline.name),
    })),
    ...projects.value.map((entry) => ({
      id: `project.${entry.key}`,
      group: t('shell.palette.groups.projects'),
      title: entry.name,
      detail: entry.key,
      icon: 'i-lucide-folder',
      keywords: entry.key,
      run: () => router.push(`/p/${entry.key}`),
    })),
    ...allCommands.value
      .filter((command) => !command.keyOnly)
      .map((command) => ({
        id: `command.${command.id}`,
        group: t('shell.palette.groups.commands'),
        title: command.title,
        icon: command.icon ?? 'i-lucide-chevron-right',
        ...(command.shortcut ? { shortcut: command.shortcut } : {}),
        keywords: `${command.group} ${command.keywords ?? ''}`,
        run: command.run,
      })),
  ])

  const key = computed<PaletteEntry[]>(() => {
    const text = query.value.trim()
    const found = KEY.exec(text)
    const [target, number] = found ? [found[1]?.toUpperCase(), found[2]] : [project.value, text]
    if (!found && !(project.value && BARE_NUMBER.test(text))) return []
    const itemKey = `${target}-${number}`
    return [
      {
        id: `key.${itemKey}`,
        group: t('shell.palette.groups.key'),
        title: t('shell.palette.goToKey', { key: itemKey }),
        icon: 'i-lucide-hash',
        keywords: '',
        run: () => router.push(`/p/${target}/i/${itemKey}`),
      },
    ]
  })

  /** They come later than the rest, so they stand last: what is there already must not jump. */
  const items = computed<PaletteEntry[]>(() =>
    found.value
      .filter((item) => item.key && item.key.toLowerCase() !== query.value.trim().toLowerCase())
      .map((item) => ({
        id: `item.${item.id}`,
        group: t('shell.palette.groups.items'),
        title: item.title || t('versioning.compare.unnamed'),
        detail: item.key ?? '',
        icon: 'i-lucide-hash',
        keywords: '',
        run: () => router.push(`/p/${project.value}/i/${item.key}`),
      })),
  )

  const entries = computed(() => [
    ...key.value,
    ...mostPerGroup(
      fuzzyFilter(query.value, fixed.value, (entry) => `${entry.title} ${entry.keywords}`),
      (entry) => (entry.id.startsWith('command.') ? null : entry.group),
      MOST_OF_A_KIND,
    ),
    ...items.value,
  ])
  return { entries }
}
