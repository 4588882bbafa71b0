import { useMutation, useQuery, useQueryClient } from '@tanstack/vue-query'
import { computed, ref, toValue, watch, type MaybeRefOrGetter } from 'vue'
import { keys } from '@/api/keys'
import type { ImportJob } from '@/api/types'
import { useAnnouncer } from '@/shared/composables/useAnnouncer'
import { t } from '@/shared/i18n'
import { cancelImport, commitImport, getImport, listImports, startImport } from './exchange.api'
import { isRunning } from './exchange.types'

const POLL_MS = 700
const LIST_POLL_MS = 3000

/** One import, followed until it has ended; the address names it, so a reload or another visit finds it again. */
export function useImportJob(project: MaybeRefOrGetter<string>, id: MaybeRefOrGetter<string>) {
  const cache = useQueryClient()
  const { announce } = useAnnouncer()
  const key = computed(() => keys.importJob(toValue(project), toValue(id)))
  const query = useQuery({
    queryKey: key,
    queryFn: () => getImport(toValue(project), toValue(id)),
    enabled: computed(() => Boolean(toValue(id))),
    refetchInterval: ({ state }) => (state.data && isRunning(state.data) ? POLL_MS : false),
    refetchIntervalInBackground: true,
  })

  const apply = (job: ImportJob) => cache.setQueryData(key.value, job)
  const commit = useMutation({
    mutationFn: () => commitImport(toValue(project), toValue(id)),
    onSuccess: apply,
    onSettled: () => query.refetch(),
  })
  const cancel = useMutation({
    mutationFn: () => cancelImport(toValue(project), toValue(id)),
    onSuccess: apply,
    onSettled: () => query.refetch(),
  })

  watch(
    () => query.data.value?.state,
    (state, before) => {
      if (!state || !before) return
      announce(t(`exchange.state.${state}`))
      if (isRunning({ state })) return
      void cache.invalidateQueries({ queryKey: keys.imports(toValue(project)) })
      if (state === 'done') void cache.invalidateQueries({ queryKey: keys.project(toValue(project)) })
    },
  )

  return { job: query.data, error: query.error, refetch: query.refetch, commit, cancel }
}

/** Sends a file; `progress` is the share that is sent, null when nothing is on its way. */
export function useImportUpload(project: MaybeRefOrGetter<string>) {
  const cache = useQueryClient()
  const progress = ref<{ name: string; sent: number; total: number } | null>(null)
  const error = ref<unknown>(null)
  let controller: AbortController | null = null

  async function send(file: File): Promise<ImportJob | null> {
    controller = new AbortController()
    error.value = null
    progress.value = { name: file.name, sent: 0, total: file.size }
    try {
      const job = await startImport(toValue(project), file, {
        signal: controller.signal,
        onProgress: (sent, total) => (progress.value = { name: file.name, sent, total }),
      })
      void cache.invalidateQueries({ queryKey: keys.imports(toValue(project)) })
      return job
    } catch (reason) {
      if (!controller.signal.aborted) error.value = reason
      return null
    } finally {
      progress.value = null
    }
  }

  return { send, progress, error, cancel: () => controller?.abort() }
}

export function useRecentImports(project: MaybeRefOrGetter<string>) {
  return useQuery({
    queryKey: computed(() => keys.imports(toValue(project))),
    queryFn: () => listImports(toValue(project)),
    refetchInterval: ({ state }) => (state.data?.some(isRunning) ? LIST_POLL_MS : false),
  })
}
