/** Commits whose result this tab shows already, so that the news of them costs no reading. */
const own = new Set<string>()
const MOST = 1000

export function noteOwnCommit(project: string, seq: number): void {
  own.add(`${project}@${seq}`)
  if (own.size > MOST) own.delete(own.values().next().value ?? '')
}

export function isOwnCommit(project: string, seq: number): boolean {
  return own.has(`${project}@${seq}`)
}
