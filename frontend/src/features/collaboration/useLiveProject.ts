import { useQueryClient } from '@tanstack/vue-query'
import { until } from '@vueuse/core'
import { onScopeDispose, watch, type Ref } from 'vue'
import { keys } from '@/api/keys'
import type { Project } from '@/api/types'
import { useAnnouncer } from '@/shared/composables/useAnnouncer'
import { watchProject, type LiveNews } from '@/shared/composables/useLive'
import { t } from '@/shared/i18n'
import { isOwnCommit } from '@/shared/lib/ownCommits'
import { isBusy } from '@/shared/lib/turns'

/** Commits that come close together are read together. */
const GATHER_MS = 150
/** How long the answer to a save of one's own may take: the news of it can be faster. */
const OWN_MS = 1500

/**
 * Keeps what is on the screen at the newest version of a project, whoever commits.
 * What is being typed stays: only what was read is read again, and not while a save of one's own is on its way.
 */
export function useLiveProject(project: Ref<string>, branch: Ref<string>, user: Ref<string>): void {
  const cache = useQueryClient()
  const { announce } = useAnnouncer()
  const busy = isBusy(() => project.value)
  const timers = new Set<number>()
  let gathered = false

  function later(wait: number, work: () => void): void {
    const timer = window.setTimeout(() => {
      timers.delete(timer)
      work()
    }, wait)
    timers.add(timer)
  }

  function read(): void {
    if (gathered) return
    gathered = true
    later(GATHER_MS, () => {
      gathered = false
      const key = project.value
      void until(busy)
        .toBe(false)
        .then(() =>
          Promise.all([
            cache.invalidateQueries({ queryKey: keys.at(key) }),
            cache.invalidateQueries({ queryKey: keys.log(key) }),
            cache.invalidateQueries({ queryKey: keys.info(key) }),
          ]),
        )
    })
  }

  function hear(news: LiveNews): void {
    if (news.type === 'gap') return read()
    if (news.branch.name !== branch.value) {
      // Nothing of it is on the screen but the log.
      void cache.invalidateQueries({ queryKey: keys.at(project.value), refetchType: 'none' })
      void cache.invalidateQueries({ queryKey: keys.log(project.value) })
      return
    }
    if (news.author.id !== user.value) {
      announce(t('collaboration.changed', { name: news.author.display_name }))
      return read()
    }
    later(OWN_MS, () => {
      if (!isOwnCommit(news.project, news.seq)) read()
    })
  }

  let end: () => void = () => undefined
  watch(
    project,
    (key) => {
      end()
      end = watchProject(key, () => cache.getQueryData<Project>(keys.info(key))?.head?.seq ?? null, hear)
    },
    { immediate: true },
  )
  onScopeDispose(() => {
    end()
    for (const timer of timers) window.clearTimeout(timer)
  })
}
