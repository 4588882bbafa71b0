/** Where a page notes since when it renews the sign-in; what is left there was left by a page that is gone. */
const BEGUN = 'reqtrail-refresh-begun'
const LOCK = 'reqtrail-refresh'

/** How long the answer to a page that is gone may still be under way: then its cookie is here, or never comes. */
export const PATIENCE_MS = 5000

/**
 * Does `work` when no other tab does, and not while a request of a page that was left in the middle of it may still
 * change the cookie: its lock is gone with it, its request is not, and a refresh token that is used twice ends the sign-in.
 */
export async function inTurn<T>(work: () => Promise<T>): Promise<T> {
  // Web locks exist in secure contexts only.
  return 'locks' in navigator ? await navigator.locks.request(LOCK, () => alone(work)) : await alone(work)
}

async function alone<T>(work: () => Promise<T>): Promise<T> {
  const left = Number(localStorage.getItem(BEGUN) ?? 0)
  const wait = Math.min(left + PATIENCE_MS - Date.now(), PATIENCE_MS)
  if (left > 0 && wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
  localStorage.setItem(BEGUN, String(Date.now()))
  const done = await work()
  // Not after an error: the browser ends the request of a page that is being left with one, too.
  localStorage.removeItem(BEGUN)
  return done
}
