import { computed, ref, type Ref } from 'vue'
import { useRestorable } from '@/features/versioning'
import { t } from '@/shared/i18n'
import { COLUMN, type OutlineRow } from './outline'

interface Context {
  project: Ref<string>
  at: Ref<string>
  rows: Ref<readonly OutlineRow[]>
  indexOf: Ref<ReadonlyMap<string, number>>
  focused: Ref<number>
  selection: Ref<ReadonlySet<string>>
}

/** Restoring of a row with all below it, while an earlier version is looked at. */
export function useRestoring({ project, at, rows, indexOf, focused, selection }: Context) {
  const restorable = useRestorable(project)
  const restoring = ref<{ placement: string; title: string } | null>(null)

  /** Asks whether the selected or focused row shall come back. */
  function askRestore(): void {
    const [picked] = selection.value
    const placement = picked ?? rows.value[focused.value]?.[COLUMN.placement]
    const row = rows.value[indexOf.value.get(placement ?? '') ?? -1]
    if (!placement || !row || selection.value.size > 1) return
    const name = row[COLUMN.style] === 'heading' ? row[COLUMN.title] : row[COLUMN.key]
    restoring.value = { placement, title: t('document.restoreOf', { name: name ?? '' }) }
  }

  /** What the dialog that asks is about; null while nothing is asked. */
  const dialog = computed(() => {
    if (!restoring.value || !restorable.value) return null
    const { placement, title } = restoring.value
    return {
      open: true,
      project: project.value,
      at: at.value,
      target: restorable.value.target,
      scope: { placement_id: placement },
      title,
      'onUpdate:open': () => (restoring.value = null),
    }
  })

  return { restorable, dialog, askRestore }
}
