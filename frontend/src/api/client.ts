import createClient, { type Middleware } from 'openapi-fetch'
import { learn, prepare } from './database'
import { ApiError } from './errors'
import type { components, paths } from './schema'
import { inTurn } from './turns'

export type Session = components['schemas']['Session']

let accessToken: string | null = null
let refreshing: Promise<Session | null> | null = null
let onSignedOut: () => void = () => undefined
let onRenewed: (session: Session) => void = () => undefined

/** The access token lives in this variable and nowhere else. */
export function setAccessToken(token: string | null): void {
  accessToken = token
}

/** Has `callback` called when the sign-in has ended and cannot be renewed. */
export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback
}

/** Has `callback` called with each sign-in that was renewed: it may be another person's, of another tab. */
export function whenRenewed(callback: (session: Session) => void): void {
  onRenewed = callback
}

/**
 * Exchanges the refresh cookie for a new access token; several callers at once share one request, and tabs take turns,
 * because a refresh token that is used twice ends the sign-in.
 * Returns null when there is no valid sign-in; throws an ApiError when the server cannot tell.
 */
export function renew(): Promise<Session | null> {
  refreshing ??= inTurn(requestRefresh)
    .then((session) => {
      accessToken = session?.access_token ?? null
      if (session) onRenewed(session)
      return session
    })
    .finally(() => {
      refreshing = null
    })
  return refreshing
}

async function requestRefresh(): Promise<Session | null> {
  // keepalive: a reload must not lose the cookie of a refresh in flight.
  const headers = { traceparent: traceParent() }
  const answer = await fetch('/api/v1/auth/refresh', { method: 'POST', headers, keepalive: true }).catch(
    () => {
      throw unreachable()
    },
  )
  learn(answer, 'POST')
  if (answer.status === 204 || answer.status === 401) return null
  if (answer.ok) return (await answer.json()) as Session
  throw await toError(answer)
}

/** Says on a socket whose it is, renewing the sign-in first if asked; returns whether there is one to say it with. */
export async function greet(socket: WebSocket, anew: boolean): Promise<boolean> {
  if (anew || !accessToken) await renew()
  if (!accessToken) {
    onSignedOut()
    return false
  }
  if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: 'hello', token: accessToken }))
  return true
}

/** Begins a trace (W3C Trace Context) that the server goes on with, if it traces. Nothing is recorded here. */
export function traceParent(): string {
  const hex = Array.from(crypto.getRandomValues(new Uint8Array(24)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
  return `00-${hex.slice(0, 32)}-${hex.slice(32)}-00`
}

async function send(request: Request): Promise<Response> {
  prepare(request)
  request.headers.set('traceparent', traceParent())
  const copy = request.clone()
  if (accessToken) request.headers.set('Authorization', `Bearer ${accessToken}`)
  const answer = await fetch(request)
  learn(answer, request.method)
  if (answer.status !== 401 || new URL(request.url).pathname.startsWith('/api/v1/auth/')) return answer
  if (!(await renew())) {
    onSignedOut()
    return answer
  }
  copy.headers.set('Authorization', `Bearer ${accessToken ?? ''}`)
  const again = await fetch(copy)
  learn(again, request.method)
  return again
}

const problems: Middleware = {
  async onResponse({ response }) {
    if (response.ok || response.status === 304) return undefined
    throw await toError(response)
  },
  onError({ error }) {
    return error instanceof ApiError || isAbort(error) ? undefined : unreachable()
  },
}

function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError'
}

function unreachable(): ApiError {
  return new ApiError(0, 'offline', 'The server cannot be reached.', null, {})
}

async function toError(response: Response): Promise<ApiError> {
  const requestId = response.headers.get('x-request-id')
  try {
    const { code, detail, title, ...extra } = (await response.json()) as Record<string, unknown>
    return new ApiError(response.status, String(code), String(detail ?? title), requestId, extra)
  } catch {
    return new ApiError(response.status, 'unknown', `The server answered ${response.status}.`, requestId, {})
  }
}

/** What writes to a branch, and what asks for one's own stack of it. Making a branch or a baseline does not. */
const BRANCHED = /^\/api\/v1\/projects\/[^/]+\/(commits|documents|items|links|files|undo|redo)(\/|$)/
let writeBranch: string | null = null

/** Sends all further writes of contents to a branch; null is the root branch. */
export function setWriteBranch(branch: string | null): void {
  writeBranch = branch
}

function onBranch(address: string, method: string): string {
  const url = new URL(address, location.origin)
  const asks = method === 'GET' && url.pathname.endsWith('/undo')
  if (writeBranch && (method !== 'GET' || asks) && BRANCHED.test(url.pathname)) {
    url.searchParams.set('branch', writeBranch)
  }
  return url.href
}

const branches: Middleware = {
  async onRequest({ request }) {
    const address = onBranch(request.url, request.method)
    if (address === request.url) return undefined
    const { method, headers, signal } = request
    // A stream cannot be sent again when a sign-in has to be renewed, so the body is read.
    const body = method === 'GET' ? null : await request.arrayBuffer()
    return new Request(address, { method, headers, signal, body: body?.byteLength ? body : null })
  },
}

export const client = createClient<paths>({ baseUrl: '/', fetch: send })
client.use(problems, branches)

/** Returns the body of an answer that has one. Errors were thrown before. */
export async function unwrap<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T
}

/** Fetches what is not JSON (a download) with the same sign-in and the same errors. */
export async function fetchBlob(path: string, signal?: AbortSignal): Promise<Response> {
  let answer: Response
  try {
    answer = await send(new Request(new URL(path, location.origin), { signal: signal ?? null }))
  } catch (error) {
    if (error instanceof ApiError || isAbort(error)) throw error
    throw unreachable()
  }
  if (!answer.ok) throw await toError(answer)
  return answer
}

export interface Upload {
  /** Called with the bytes that are on their way and their total. */
  onProgress?: (sent: number, total: number) => void
  signal?: AbortSignal
}

/** Sends a form with files, and tells how far it got, which fetch cannot. */
export async function upload<T>(path: string, form: FormData, options: Upload = {}): Promise<T> {
  const first = await post(path, form, options)
  if (first.status !== 401) return read<T>(first)
  if (!(await renew())) {
    onSignedOut()
    throw await toError(first)
  }
  return read<T>(await post(path, form, options))
}

async function read<T>(answer: Response): Promise<T> {
  if (!answer.ok) throw await toError(answer)
  return (await answer.json()) as T
}

function post(path: string, form: FormData, { onProgress, signal }: Upload): Promise<Response> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest()
    request.open('POST', onBranch(path, 'POST'))
    request.setRequestHeader('traceparent', traceParent())
    if (accessToken) request.setRequestHeader('Authorization', `Bearer ${accessToken}`)
    request.upload.onprogress = (event) => onProgress?.(event.loaded, event.total)
    request.onload = () => {
      const headers = new Headers()
      for (const name of ['x-request-id', 'reqtrail-position', 'reqtrail-degraded']) {
        const value = request.getResponseHeader(name)
        if (value) headers.set(name, value)
      }
      const answer = new Response(request.responseText, { status: request.status, headers })
      learn(answer, 'POST')
      resolve(answer)
    }
    request.onerror = () => reject(unreachable())
    request.onabort = () => reject(new DOMException('The upload was cancelled.', 'AbortError'))
    signal?.addEventListener('abort', () => request.abort(), { once: true })
    request.send(form)
  })
}
