import { greet } from './client'
import type { Job } from './types'
import { readFromPrimary, rememberPosition } from './database'

/** Somebody who looks at a project in a tab, and where. */
export interface LivePerson {
  socket: string
  user: { id: string; display_name: string }
  document: string | null
  item: string | null
  /** What they are editing there. */
  attribute: string | null
}

export interface LiveCommit {
  type: 'commit'
  project: string
  seq: number
  branch: { id: string; name: string }
  kind: string
  author: { id: string; display_name: string }
  recorded_at: string
  position?: string
}

/** Where a job stands; what came of it is read. */
export type LiveJob = Pick<
  Job,
  | 'id'
  | 'project'
  | 'kind'
  | 'state'
  | 'phase'
  | 'done'
  | 'total'
  | 'attempts'
  | 'most_attempts'
  | 'cancel_requested'
  | 'run_at'
  | 'started_at'
  | 'finished_at'
>

/** A list of jobs that is followed, as the server names it. */
interface LiveJobs {
  jobs: 'own' | 'project' | 'instance'
  project: string | null
}

export type LiveMessage =
  | LiveCommit
  | { type: 'welcome'; socket: string; user_id: string }
  | { type: 'watching'; project: string; seq: number }
  | { type: 'gap'; project: string; seq: number; position?: string }
  | { type: 'people'; project: string; people: LivePerson[] }
  | ({ type: 'following'; position?: string } & LiveJobs)
  | ({ type: 'unfollowed'; code: string } & LiveJobs)
  | { type: 'job'; project: string | null; job: LiveJob; position?: string }
  | { type: 'left'; project: string; code: string }
  | { type: 'problem'; code: string; project: string | null }
  | { type: 'pong' }

export type LiveState = 'off' | 'connecting' | 'open' | 'waiting'

/** The server's word that the sign-in has ended. */
const SIGN_IN_ENDED = 4401
const FIRST_WAIT_MS = 500
const LONGEST_WAIT_MS = 30_000
const PING_MS = 25_000
const PONG_MS = 10_000
/** How long it may take to be welcomed. */
const CONNECT_MS = 20_000
/** Who was welcomed and then sent away is not back. */
const SETTLED_MS = 10_000

/**
 * The socket of this tab: opened when started, opened again whenever it is lost, until it is stopped.
 * It waits longer after each failure, by chance somewhere up to a bound, so that the tabs of a server that comes back
 * do not all come at once.
 */
export class LiveConnection {
  private socket: WebSocket | null = null
  private failures = 0
  private expired = false
  private wait: number | undefined
  private pulse: number | undefined
  private settle: number | undefined
  state: LiveState = 'off'

  constructor(
    private readonly onMessage: (message: LiveMessage) => void,
    private readonly onState: (state: LiveState) => void,
  ) {}

  start(): void {
    if (this.state === 'off') this.open()
  }

  stop(): void {
    this.become('off')
    this.failures = 0
    window.clearTimeout(this.wait)
    this.drop()
  }

  /** Tries at once instead of at the end of a wait: the network is back, or somebody looks. */
  hurry(): void {
    if (this.state !== 'waiting') return
    window.clearTimeout(this.wait)
    this.open()
  }

  send(message: object): void {
    if (this.state === 'open') this.socket?.send(JSON.stringify(message))
  }

  private open(): void {
    this.become('connecting')
    const { protocol, host } = location
    const socket = new WebSocket(`${protocol === 'https:' ? 'wss' : 'ws'}://${host}/api/v1/live`)
    this.socket = socket
    this.pulse = window.setTimeout(() => this.retry(), CONNECT_MS)
    socket.onopen = () => {
      greet(socket, this.expired).then(
        (known) => {
          if (!known && this.socket === socket) this.stop()
        },
        () => socket.close(),
      )
      this.expired = false
    }
    socket.onmessage = (event: MessageEvent<string>) => this.take(JSON.parse(event.data) as LiveMessage)
    socket.onclose = (event) => {
      if (this.socket !== socket) return
      this.expired = event.code === SIGN_IN_ENDED
      this.retry()
    }
  }

  private take(message: LiveMessage): void {
    this.beat()
    if (message.type === 'welcome') {
      this.become('open')
      this.settle = window.setTimeout(() => (this.failures = 0), SETTLED_MS)
    }
    // What is told of is read next, also where a replica does not have it yet.
    if ('position' in message) rememberPosition(message.position)
    if (message.type === 'left') readFromPrimary()
    this.onMessage(message)
  }

  /** Something came, so the connection lives; after a while of silence it is asked. */
  private beat(): void {
    window.clearTimeout(this.pulse)
    this.pulse = window.setTimeout(() => {
      this.send({ type: 'ping' })
      // A dead connection may take minutes to close: it is given up before.
      this.pulse = window.setTimeout(() => this.retry(), PONG_MS)
    }, PING_MS)
  }

  private retry(): void {
    this.drop()
    const bound = Math.min(FIRST_WAIT_MS * 2 ** this.failures, LONGEST_WAIT_MS)
    this.failures += 1
    this.become('waiting')
    this.wait = window.setTimeout(() => this.open(), bound * (0.5 + Math.random() / 2))
  }

  private drop(): void {
    window.clearTimeout(this.pulse)
    window.clearTimeout(this.settle)
    const socket = this.socket
    this.socket = null
    socket?.close()
  }

  private become(state: LiveState): void {
    this.state = state
    this.onState(state)
  }
}
