import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LiveConnection, type LiveMessage, type LiveState } from './live'

const greet = vi.hoisted(() => vi.fn<(socket: WebSocket, anew: boolean) => Promise<boolean>>())
vi.mock('./client', () => ({ greet }))

/** A socket that does what the test says. */
class FakeSocket {
  static readonly made: FakeSocket[] = []
  readonly sent: unknown[] = []
  closed = false
  onopen: (() => void) | null = null
  onmessage: ((event: { data: string }) => void) | null = null
  onclose: ((event: { code: number }) => void) | null = null

  constructor(readonly url: string) {
    FakeSocket.made.push(this)
  }

  send(text: string): void {
    this.sent.push(JSON.parse(text))
  }

  close(): void {
    this.closed = true
  }

  say(message: LiveMessage): void {
    this.onmessage?.({ data: JSON.stringify(message) })
  }
}

const WELCOME: LiveMessage = { type: 'welcome', socket: '1', user_id: 'me' }
let states: LiveState[] = []
let heard: LiveMessage[] = []
let connection: LiveConnection

const newest = (): FakeSocket => FakeSocket.made.at(-1) as FakeSocket

async function connect(): Promise<void> {
  newest().onopen?.()
  await vi.advanceTimersByTimeAsync(0)
  newest().say(WELCOME)
}

beforeEach(() => {
  vi.useFakeTimers()
  vi.stubGlobal('WebSocket', FakeSocket)
  FakeSocket.made.length = 0
  greet.mockReset().mockResolvedValue(true)
  states = []
  heard = []
  connection = new LiveConnection(
    (message) => heard.push(message),
    (state) => states.push(state),
  )
})
afterEach(() => {
  connection.stop()
  vi.useRealTimers()
  vi.unstubAllGlobals()
})

describe('LiveConnection', () => {
  it('is open when it was welcomed, and sends only then', async () => {
    connection.start()
    connection.start()
    expect(FakeSocket.made).toHaveLength(1)
    connection.send({ type: 'ping' })
    await connect()
    connection.send({ type: 'ping' })
    expect(newest().sent).toEqual([{ type: 'ping' }])
    expect(states).toEqual(['connecting', 'open'])
    expect(heard).toEqual([WELCOME])
  })

  it('comes back after ever longer waits, and at once when it is told to hurry', async () => {
    connection.start()
    for (const [number, bound] of [500, 1000, 2000, 4000, 8000, 16000, 30000, 30000].entries()) {
      newest().onclose?.({ code: 1006 })
      expect(states.at(-1)).toBe('waiting')
      await vi.advanceTimersByTimeAsync(bound / 2 - 1)
      expect(FakeSocket.made).toHaveLength(number + 1)
      await vi.advanceTimersByTimeAsync(bound / 2 + 1)
      expect(FakeSocket.made).toHaveLength(number + 2)
    }
    await connect()
    newest().onclose?.({ code: 1012 })
    const before = FakeSocket.made.length
    connection.hurry()
    connection.hurry()
    expect(FakeSocket.made).toHaveLength(before + 1)
  })

  it('renews the sign-in when the server says that it has ended, and gives up when it has', async () => {
    connection.start()
    await connect()
    expect(greet).toHaveBeenLastCalledWith(newest(), false)
    newest().onclose?.({ code: 4401 })
    await vi.advanceTimersByTimeAsync(500)
    greet.mockResolvedValue(false)
    newest().onopen?.()
    await vi.advanceTimersByTimeAsync(0)
    expect(greet).toHaveBeenLastCalledWith(newest(), true)
    expect(states.at(-1)).toBe('off')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(FakeSocket.made).toHaveLength(2)
  })

  it('gives up a connection that nobody welcomes, and is not back when it is sent away at once', async () => {
    connection.start()
    newest().onopen?.()
    await vi.advanceTimersByTimeAsync(20_000)
    expect(states).toEqual(['connecting', 'waiting'])
    await vi.advanceTimersByTimeAsync(500)
    await connect()
    newest().onclose?.({ code: 1013 })
    // The second failure in a row: half a second at least, where the first may take a quarter.
    await vi.advanceTimersByTimeAsync(499)
    expect(states.at(-1)).toBe('waiting')
    await vi.advanceTimersByTimeAsync(501)
    await connect()
    await vi.advanceTimersByTimeAsync(10_000)
    newest().onclose?.({ code: 1013 })
    await vi.advanceTimersByTimeAsync(500)
    expect(states.at(-1)).toBe('connecting')
  })

  it('asks a silent server, and takes a connection for lost that does not answer', async () => {
    connection.start()
    await connect()
    const first = newest()
    await vi.advanceTimersByTimeAsync(25_000)
    expect(first.sent).toEqual([{ type: 'ping' }])
    first.say({ type: 'pong' })
    await vi.advanceTimersByTimeAsync(24_000)
    expect(first.closed).toBe(false)
    await vi.advanceTimersByTimeAsync(11_000)
    expect(first.sent).toHaveLength(2)
    expect(first.closed).toBe(true)
    expect(states.at(-1)).toBe('waiting')
    // The close that comes at last is of a socket that nobody has any more.
    first.onclose?.({ code: 1006 })
    expect(states.filter((state) => state === 'waiting')).toHaveLength(1)
  })
})
