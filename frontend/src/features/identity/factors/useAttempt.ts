import { ref } from 'vue'

/** One thing at a time that may be refused: whether it is under way, and why it was refused. */
export function useAttempt() {
  const busy = ref(false)
  const error = ref('')

  /** Returns whether `work` went through. */
  async function attempt(work: () => Promise<unknown>): Promise<boolean> {
    busy.value = true
    error.value = ''
    try {
      await work()
      return true
    } catch (reason) {
      error.value = reason instanceof Error ? reason.message : String(reason)
      return false
    } finally {
      busy.value = false
    }
  }

  return { busy, error, attempt }
}
