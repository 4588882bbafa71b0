import { ref } from 'vue'

/** A form's way to the server: busy while it is under way, `error` is the sentence of a refusal. */
export function useSubmit(action: () => Promise<void>) {
  const busy = ref(false)
  const error = ref('')

  async function submit(): Promise<void> {
    busy.value = true
    error.value = ''
    try {
      await action()
    } catch (reason) {
      error.value = reason instanceof Error ? reason.message : String(reason)
    } finally {
      busy.value = false
    }
  }

  return { busy, error, submit }
}
