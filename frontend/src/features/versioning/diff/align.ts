export interface Pair<T> {
  before: T | null
  after: T | null
}

/** Above this many cells the table is not worth its time: what is equal at both ends is paired, the rest replaced. */
const MAX_CELLS = 250_000

/**
 * Aligns two lists in order so that the sum of `score` over the pairs is greatest (Needleman and Wunsch 1970, no gap
 * cost). `score` is 0 for things that must not be paired, up to 1 for equal ones.
 */
export function align<T>(
  before: readonly T[],
  after: readonly T[],
  score: (a: T, b: T) => number,
): Pair<T>[] {
  const head: Pair<T>[] = []
  const tail: Pair<T>[] = []
  let start = 0
  let endA = before.length
  let endB = after.length
  while (start < endA && start < endB && score(before[start] as T, after[start] as T) === 1) {
    head.push({ before: before[start] as T, after: after[start] as T })
    start += 1
  }
  while (endA > start && endB > start && score(before[endA - 1] as T, after[endB - 1] as T) === 1) {
    endA -= 1
    endB -= 1
    tail.unshift({ before: before[endA] as T, after: after[endB] as T })
  }
  return [...head, ...middle(before.slice(start, endA), after.slice(start, endB), score), ...tail]
}

function middle<T>(a: readonly T[], b: readonly T[], score: (a: T, b: T) => number): Pair<T>[] {
  if (a.length === 0 || b.length === 0 || a.length * b.length > MAX_CELLS) {
    return [...a.map((before) => ({ before, after: null })), ...b.map((after) => ({ before: null, after }))]
  }
  const width = b.length + 1
  const best = new Float64Array((a.length + 1) * width)
  const gains = new Float64Array(a.length * b.length)
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      const gain = score(a[i] as T, b[j] as T)
      gains[i * b.length + j] = gain
      const paired = gain > 0 ? gain + at(best, (i + 1) * width + j + 1) : 0
      best[i * width + j] = Math.max(paired, at(best, (i + 1) * width + j), at(best, i * width + j + 1))
    }
  }
  return walk(a, b, best, gains)
}

function walk<T>(a: readonly T[], b: readonly T[], best: Float64Array, gains: Float64Array): Pair<T>[] {
  const width = b.length + 1
  const pairs: Pair<T>[] = []
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    const here = at(best, i * width + j)
    const gain = at(gains, i * b.length + j)
    if (gain > 0 && here === gain + at(best, (i + 1) * width + j + 1)) {
      pairs.push({ before: a[i] as T, after: b[j] as T })
      i += 1
      j += 1
    } else if (here === at(best, (i + 1) * width + j)) {
      pairs.push({ before: a[i] as T, after: null })
      i += 1
    } else {
      pairs.push({ before: null, after: b[j] as T })
      j += 1
    }
  }
  for (; i < a.length; i += 1) pairs.push({ before: a[i] as T, after: null })
  for (; j < b.length; j += 1) pairs.push({ before: null, after: b[j] as T })
  return pairs
}

function at(cells: Float64Array, index: number): number {
  return cells[index] ?? 0
}
