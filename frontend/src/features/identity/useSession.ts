import { defineStore } from 'pinia'
import { ref } from 'vue'
import type { SecondFactorNeeded, Session, User } from '@/api/types'
import * as api from './identity.api'

/** Who is signed in. The sign-in itself is an HttpOnly cookie that this code cannot read. */
export const useSession = defineStore('session', () => {
  const user = ref<User | null>(null)
  let restored: Promise<void> | null = null

  api.whenSignedOut(() => {
    user.value = null
  })
  // Somebody else signed in in another tab: what this page shows, and what is typed in it, is not theirs.
  api.whenRenewed((session) => {
    if (user.value && user.value.id !== session.user.id) location.reload()
  })

  /** Takes up the sign-in of an earlier visit, once. Throws when the server cannot be reached. */
  function restore(): Promise<void> {
    restored ??= api
      .renew()
      .then((session) => {
        user.value = session?.user ?? null
      })
      .catch((error: unknown) => {
        restored = null
        throw error
      })
    return restored
  }

  /** Signs in, or returns the challenge of the second step that the account asks for. */
  async function signIn(email: string, password: string): Promise<SecondFactorNeeded | null> {
    const answer = await api.signIn(email, password)
    if (!('user' in answer)) return answer
    open(answer)
    return null
  }

  /** Takes up a session that another way of signing in has opened. */
  function open(session: Session): void {
    user.value = session.user
  }

  async function signOut(): Promise<void> {
    await api.signOut()
    user.value = null
  }

  /** Asks again who is signed in, after the account was changed elsewhere. */
  async function reload(): Promise<void> {
    user.value = await api.getMe()
  }

  async function rename(displayName: string): Promise<void> {
    user.value = await api.renameMe(displayName)
  }

  return { user, restore, reload, signIn, open, signOut, rename }
})
