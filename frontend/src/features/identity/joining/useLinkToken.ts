import { useRoute } from 'vue-router'

/** The token of a mailed link: what stands behind the `#`, which no server and no log gets to see. */
export function useLinkToken(): string {
  return useRoute().hash.replace(/^#/, '')
}
