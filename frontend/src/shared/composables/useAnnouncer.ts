import { readonly, ref } from 'vue'

const polite = ref('')
const assertive = ref('')

function say(target: typeof polite, text: string): void {
  // A region that is set to the same text again is not read again: it is emptied first.
  target.value = ''
  setTimeout(() => {
    target.value = text
  }, 50)
}

/** Tells screen readers what happened. `announce` waits for a pause; `alert` interrupts. */
export function useAnnouncer() {
  return {
    announce: (text: string) => say(polite, text),
    alert: (text: string) => say(assertive, text),
    polite: readonly(polite),
    assertive: readonly(assertive),
  }
}
