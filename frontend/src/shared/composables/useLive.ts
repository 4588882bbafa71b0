import { useDebounceFn, useEventListener } from '@vueuse/core'
import {
  computed,
  onScopeDispose,
  reactive,
  readonly,
  ref,
  shallowReactive,
  watch,
  type ComputedRef,
} from 'vue'
import {
  LiveConnection,
  type LiveCommit,
  type LiveMessage,
  type LivePerson,
  type LiveState,
} from '@/api/live'
import { usePreferences } from './usePreferences'

/** Where this tab is in a project. */
export interface LivePlace {
  document?: string | null
  item?: string | null
  attribute?: string | null
}

export type LiveNews = LiveCommit | { type: 'gap'; project: string; seq: number }

/** Whoever goes through rows by the keyboard is at none of those in between. */
const SETTLE_MS = 300

const state = ref<LiveState>('off')
const me = ref('')
const people = shallowReactive(new Map<string, readonly LivePerson[]>())
const places = reactive(new Map<string, LivePlace>())
/** The newest commit that is known of each watched project. */
const known = new Map<string, number>()
const listeners = new Map<string, Set<(news: LiveNews) => void>>()
/** What hears all messages. */
const hearers = new Set<(message: LiveMessage) => void>()
/** What says how new the project on the screen is. */
const shown = new Map<string, () => number | null>()

const connection = new LiveConnection(take, (now) => {
  state.value = now
  if (now !== 'open') people.clear()
})

function take(message: LiveMessage): void {
  for (const hearer of hearers) hearer(message)
  switch (message.type) {
    case 'welcome':
      me.value = message.user_id
      for (const project of listeners.keys()) ask(project)
      return
    case 'watching':
      if (!known.has(message.project)) known.set(message.project, message.seq)
      say(message.project)
      return
    case 'people':
      people.set(message.project, message.people)
      return
    case 'left':
      people.delete(message.project)
      // What is on the screen is asked for again, and the answer says why it may not be seen any more.
      for (const listener of listeners.get(message.project) ?? [])
        listener({ type: 'gap', project: message.project, seq: known.get(message.project) ?? 0 })
      return
    case 'commit':
    case 'gap':
      known.set(message.project, message.seq)
      for (const listener of listeners.get(message.project) ?? []) listener(message)
  }
}

function ask(project: string): void {
  const since = known.get(project) ?? shown.get(project)?.() ?? null
  connection.send({ type: 'watch', project, since })
}

function say(project: string): void {
  const place = places.get(project)
  if (place && usePreferences().visible) connection.send({ type: 'here', project, ...place })
  else connection.send({ type: 'away', project })
}

/**
 * Listens to what others do in a project, across all losses of the connection; returns what ends it.
 * `seq` says which commit is the newest that the screen shows, if anything is shown yet.
 */
export function watchProject(
  project: string,
  seq: () => number | null,
  listener: (news: LiveNews) => void,
): () => void {
  const mine = listeners.get(project) ?? new Set()
  listeners.set(project, mine)
  mine.add(listener)
  shown.set(project, seq)
  connection.start()
  if (mine.size > 1) return leave
  places.set(project, {})
  ask(project)
  return leave

  function leave(): void {
    mine.delete(listener)
    if (mine.size > 0) return
    listeners.delete(project)
    known.delete(project)
    shown.delete(project)
    people.delete(project)
    places.delete(project)
    connection.send({ type: 'unwatch', project })
    rest()
  }
}

function rest(): void {
  if (listeners.size === 0 && hearers.size === 0) connection.stop()
}

/** Hears all messages, across all losses of the connection: it was opened anew at each `welcome`. Returns what ends it. */
export function hearLive(hearer: (message: LiveMessage) => void): () => void {
  hearers.add(hearer)
  connection.start()
  return () => {
    hearers.delete(hearer)
    rest()
  }
}

export const sendLive = (message: object): void => connection.send(message)

function beAt(project: string, place: LivePlace): void {
  places.set(project, place)
  say(project)
}

/** Tells the others where this tab is as long as the component lives, unless its reader wants to be seen by nobody. */
export function useHere(project: () => string, place: () => LivePlace): void {
  let gone = false
  const tell = useDebounceFn(() => {
    if (!gone && listeners.has(project())) beAt(project(), place())
  }, SETTLE_MS)
  watch(() => [project(), JSON.stringify(place())], tell, { immediate: true })
  onScopeDispose(() => {
    gone = true
    if (listeners.has(project())) beAt(project(), {})
  })
}

/** The others who look at a project: a person once, however many tabs they have, where they did something last. */
export function usePeople(project: () => string): ComputedRef<readonly LivePerson[]> {
  return computed(() => {
    const others = new Map<string, LivePerson>()
    for (const person of people.get(project()) ?? []) {
      const before = others.get(person.user.id)
      if (person.user.id !== me.value && (!before || !before.attribute)) others.set(person.user.id, person)
    }
    return [...others.values()]
  })
}

export function useLiveState() {
  return readonly(state)
}

/** Has a connection that waits try again when the network is back or the tab is looked at. Called once. */
export function useLiveWakening(): void {
  useEventListener(window, 'online', () => connection.hurry())
  // Also when it was changed in another tab.
  watch(
    () => usePreferences().visible,
    () => {
      for (const project of listeners.keys()) say(project)
    },
  )
  useEventListener(document, 'visibilitychange', () => {
    if (document.visibilityState === 'visible') connection.hurry()
  })
}
