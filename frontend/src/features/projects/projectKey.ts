/** What a project's key looks like: two to ten capital letters and digits, a letter first. */
const KEY = /^[A-Z][A-Z0-9]{1,9}$/

export type KeyProblem = 'empty' | 'form' | 'taken'

/** Returns what is wrong with a key, or null. */
export function keyProblem(key: string, taken: ReadonlySet<string>): KeyProblem | null {
  if (!key) return 'empty'
  if (!KEY.test(key)) return 'form'
  return taken.has(key) ? 'taken' : null
}

/** Proposes a key for a name: the initials of several words, else its first consonants. */
export function proposeKey(name: string, taken: ReadonlySet<string>): string {
  const words =
    name
      .normalize('NFKD')
      .toUpperCase()
      .match(/[A-Z0-9]+/g) ?? []
  const letters = words.join('').replace(/^\d+/, '')
  const initials = words
    .map((word) => word.charAt(0))
    .join('')
    .replace(/^\d+/, '')
  const base = (
    initials.length >= 2
      ? initials
      : letters.charAt(0) + letters.slice(1).replace(/[AEIOU]/g, '') + letters.slice(1)
  ).slice(0, 4)
  if (base.length < 2) return ''
  if (!taken.has(base)) return base
  for (let n = 2; n < 100; n += 1) if (!taken.has(`${base}${n}`)) return `${base}${n}`
  return ''
}
