import { ref, toValue, type MaybeRefOrGetter } from 'vue'
import { save } from '@/shared/lib/save'
import { downloadReqif, type ExportFormat } from './exchange.api'

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
