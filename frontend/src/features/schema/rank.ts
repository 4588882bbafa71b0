const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const digit = (rank: string, at: number): number => Math.max(0, DIGITS.indexOf(rank.charAt(at) || '0'))

/**
 * Returns a rank after `low` and before `high`, as the server orders them: fractions of base 62, compared by code
 * point; null is an open end. Throws when `low` is not before `high`.
 */
export function rankBetween(low: string | null, high: string | null): string {
  if (low !== null && high !== null && low >= high) throw new RangeError(`no rank between ${low} and ${high}`)
  let rank = ''
  let bound = high
  for (let at = 0; ; at += 1) {
    const floor = digit(low ?? '', at)
    const ceiling = bound === null ? DIGITS.length : digit(bound, at)
    if (ceiling - floor > 1) return rank + DIGITS.charAt(Math.floor((floor + ceiling) / 2))
    rank += DIGITS.charAt(floor)
    // Below the bound at this place: whatever follows stays below it.
    if (ceiling > floor) bound = null
  }
}

/** Returns `count` ascending ranks. */
export function ranks(count: number): string[] {
  const made: string[] = []
  for (let at = 0; at < count; at += 1) made.push(rankBetween(made.at(-1) ?? null, null))
  return made
}
