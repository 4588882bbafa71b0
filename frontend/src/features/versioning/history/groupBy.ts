/** Groups neighbours that have the same name; the order of the entries stays. */
export function groupBy<T>(
  entries: readonly T[],
  nameOf: (entry: T) => string,
): { name: string; entries: T[] }[] {
  const groups: { name: string; entries: T[] }[] = []
  for (const entry of entries) {
    const name = nameOf(entry)
    const last = groups.at(-1)
    if (last?.name === name) last.entries.push(entry)
    else groups.push({ name, entries: [entry] })
  }
  return groups
}
