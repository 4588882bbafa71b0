/**
 * Scores how well `query` fits `text`; null when a letter is missing. Letters must come in order; consecutive letters,
 * beginnings of words and a match at the very beginning count more, long texts a little less.
 */
export function fuzzyScore(query: string, text: string): number | null {
  const needle = query.toLowerCase().trim()
  const hay = text.toLowerCase()
  if (!needle) return 0
  const whole = hay.indexOf(needle)
  if (whole >= 0) return 100 + bonusAt(hay, whole) * 4 + needle.length - hay.length * 0.05
  let score = 0
  let last = -1
  for (const letter of needle) {
    if (letter === ' ') continue
    const at = hay.indexOf(letter, last + 1)
    if (at < 0) return null
    score += (at === last + 1 ? 4 : 1) + bonusAt(hay, at)
    last = at
  }
  return score - hay.length * 0.05
}

function bonusAt(text: string, index: number): number {
  if (index === 0) return 6
  return /[\s\-_/.]/.test(text.charAt(index - 1)) ? 4 : 0
}

/** Returns those of `entries` that fit, best first; equal scores keep their order. */
export function fuzzyFilter<T>(query: string, entries: readonly T[], textOf: (entry: T) => string): T[] {
  if (!query.trim()) return [...entries]
  return entries
    .map((entry) => ({ entry, score: fuzzyScore(query, textOf(entry)) }))
    .filter((found): found is { entry: T; score: number } => found.score !== null)
    .sort((a, b) => b.score - a.score)
    .map((found) => found.entry)
}

/** Keeps the first `most` of each group, and all that belong to none (null). */
export function mostPerGroup<T>(
  entries: readonly T[],
  groupOf: (entry: T) => string | null,
  most: number,
): T[] {
  const taken = new Map<string, number>()
  return entries.filter((entry) => {
    const group = groupOf(entry)
    if (group === null) return true
    const before = taken.get(group) ?? 0
    taken.set(group, before + 1)
    return before < most
  })
}
