import { ApiError } from './errors'

/**
 * What this browser knows of the server's database: how far its log was when somebody last saved here, so that a
 * replica that is behind does not answer, and whether anything can be saved at present.
 */
const POSITION = 'Reqtrail-Position'
const DEGRADED = 'Reqtrail-Degraded'
const STORED = 'reqtrail-position'
const NOTHING_WRITTEN = '0/0'
/** Replicas that are a few seconds behind are not read, but one may have to answer alone for a while. */
const KEPT_MS = 3_600_000
/** How long the primary is read after a save of which it is not known how far the log was. */
const CAREFUL_MS = 10_000
const ASK_MS = 3000
const AWAY = ['database_unavailable', 'outcome_unknown']

let newest = recall()
let carefulUntil = 0
let saves = true
let asking: number | undefined
const listeners = new Set<(saves: boolean) => void>()

function recall(): { position: string; at: number } {
  const [position, at] = (localStorage.getItem(STORED) ?? '').split(' ')
  return {
    position: toNumber(position) === null ? NOTHING_WRITTEN : (position as string),
    at: Number(at) || 0,
  }
}

function toNumber(position: string | undefined): bigint | null {
  const found = /^([0-9A-F]{1,8})\/([0-9A-F]{1,8})$/i.exec(position ?? '')
  return found ? (BigInt(`0x${found[1]}`) << 32n) | BigInt(`0x${found[2]}`) : null
}

/** Keeps what the next reads have to show; `unknown` has them read from the primary for a while. */
export function rememberPosition(position: string | null | undefined): void {
  const number = toNumber(position ?? undefined)
  if (position === 'unknown') readFromPrimary()
  if (number === null || !position) return
  const known = recall()
  const before = toNumber(Date.now() - known.at < KEPT_MS ? known.position : NOTHING_WRITTEN) ?? 0n
  newest = { position: number > before ? position : known.position, at: Date.now() }
  // For the other tabs, and for this one after it was reloaded.
  localStorage.setItem(STORED, `${newest.position} ${newest.at}`)
}

/** Has no replica answer for some seconds: something changed that one may not know yet. */
export function readFromPrimary(): void {
  carefulUntil = Date.now() + CAREFUL_MS
}

/** Says on a request that reads what its answer has to show. */
export function prepare(request: Request): void {
  if (request.method !== 'GET' || Date.now() < carefulUntil) return
  newest = recall()
  request.headers.set(POSITION, Date.now() - newest.at < KEPT_MS ? newest.position : NOTHING_WRITTEN)
}

/** Learns from an answer to a request with `method`. */
export function learn(answer: Response, method: string): void {
  rememberPosition(answer.headers.get(POSITION))
  if (answer.headers.has(DEGRADED)) become(false)
  else if (method !== 'GET' && answer.ok) become(true)
}

/** Has `listener` called whenever it changes whether anything can be saved; returns what ends that. */
export function whenSavingChanges(listener: (saves: boolean) => void): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** Sends a write with a key by which it is done once; while the database is away it waits and sends it again. */
export async function persistently<T>(send: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await send()
    } catch (error) {
      if (!(error instanceof ApiError && AWAY.includes(error.code))) throw error
      await untilItSaves()
    }
  }
}

function untilItSaves(): Promise<void> {
  return new Promise((resolve) => {
    become(false)
    const leave = whenSavingChanges((now) => {
      if (!now) return
      leave()
      resolve()
    })
  })
}

function become(now: boolean): void {
  if (now === saves) return
  saves = now
  window.clearTimeout(asking)
  if (!saves) askLater()
  for (const listener of [...listeners]) listener(saves)
}

/** Reads that replicas answer do not tell that the primary is back, so it is asked. */
function askLater(): void {
  asking = window.setTimeout(() => void ask(), ASK_MS * (0.75 + Math.random() / 2))
}

async function ask(): Promise<void> {
  try {
    const answer = await fetch('/api/v1/health/ready')
    const { database } = (await answer.json()) as { database?: string }
    if (database === 'ok') return become(true)
  } catch (error) {
    // Neither a server that cannot be reached nor the page of a proxy says that it is back.
    if (!(error instanceof TypeError || error instanceof SyntaxError)) throw error
  }
  if (!saves) askLater()
}
