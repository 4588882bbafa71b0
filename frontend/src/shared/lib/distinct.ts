/**
 * Names to choose by: where several are the same, as after an import, all but the first get a number, and can be told
 * apart in a list. They stay in their order.
 */
export function distinctNames<T extends { name: string }>(entries: readonly T[]): (T & { label: string })[] {
  const seen = new Map<string, number>()
  return entries.map((entry) => {
    const times = (seen.get(entry.name) ?? 0) + 1
    seen.set(entry.name, times)
    return { ...entry, label: times === 1 ? entry.name : `${entry.name} (${times})` }
  })
}
