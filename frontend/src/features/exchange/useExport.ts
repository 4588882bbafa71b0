import { useMutation } from '@tanstack/vue-query'
import { ref, toValue, type MaybeRefOrGetter } from 'vue'
import { useJob } from '@/features/jobs'
import { useUrlState } from '@/shared/composables/useUrlState'
import { save } from '@/shared/lib/save'
import { downloadReqif, startExport, type ExportFormat } from './exchange.api'

/** Downloads the project as a file; `received` are the bytes that have come so far. */
export function useExport(project: MaybeRefOrGetter<string>) {
  const running = ref(false)
  const received = ref(0)
  const error = ref<unknown>(null)
  let controller: AbortController | null = null

  /** Returns the name of the file, or null if it was cancelled or failed. */
  async function start(format: ExportFormat, at: string): Promise<string | null> {
    const own = new AbortController()
    controller = own
    running.value = true
    error.value = null
    received.value = 0
    try {
      const file = await downloadReqif(toValue(project), {
        format,
        at,
        signal: own.signal,
        onProgress: (size) => (received.value = size),
      })
      save(file)
      return file.name
    } catch (reason) {
      if (!own.signal.aborted) error.value = reason
      return null
    } finally {
      running.value = false
    }
  }

  return { start, cancel: () => controller?.abort(), running, received, error }
}

/** Has a worker export the project, and follows it; the address names the job, so that a reload finds it again. */
export function useBackgroundExport(project: MaybeRefOrGetter<string>) {
  const id = useUrlState('export')
  const { job, error, refetch } = useJob(project, id)
  const start = useMutation({
    mutationFn: ({ format, at }: { format: ExportFormat; at: string }) =>
      startExport(toValue(project), format, at),
    onSuccess: (started) => (id.value = started.id),
  })
  return { start, job, error, refetch }
}
