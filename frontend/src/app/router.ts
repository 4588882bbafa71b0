import type { QueryClient } from '@tanstack/vue-query'
import {
  createRouter,
  createWebHistory,
  type RouteLocationNormalized,
  type RouteLocationRaw,
  type Router,
} from 'vue-router'
import { useSession } from '@/features/identity'
import { routesOf } from './modules'

/** The routes of all features inside the shell, with the guards that every page relies on. */
export function makeRouter(queryClient: QueryClient): Router {
  const router = createRouter({
    history: createWebHistory(),
    scrollBehavior: (to, from, saved) => {
      if (saved) return saved
      return to.path === from.path ? false : { top: 0 }
    },
    routes: [
      ...routesOf('publicRoutes'),
      {
        path: '/',
        component: () => import('./layouts/AppShell.vue'),
        children: [
          ...routesOf('routes'),
          {
            path: 'p/:project',
            component: () => import('./layouts/ProjectShell.vue'),
            children: routesOf('projectRoutes'),
          },
          { path: ':rest(.*)*', name: 'not-found', component: () => import('./pages/NotFoundPage.vue') },
        ],
      },
    ],
  })

  router.beforeEach(async (to, from) => (await requireSession(to, queryClient)) ?? keepVersion(to, from))
  return router
}

async function requireSession(
  to: RouteLocationNormalized,
  queryClient: QueryClient,
): Promise<RouteLocationRaw | null> {
  const session = useSession()
  await session.restore()
  if (session.user || to.meta.open) return null
  queryClient.clear()
  return { name: 'sign-in', query: to.fullPath === '/' ? {} : { next: to.fullPath } }
}

/** Keeps looking at the same version (`?at=`) while moving about in a project. Leaving it out on purpose stays on the page. */
function keepVersion(to: RouteLocationNormalized, from: RouteLocationNormalized): RouteLocationRaw | true {
  const at = from.query.at
  const sameProject = to.params.project !== undefined && to.params.project === from.params.project
  if (!at || !sameProject || to.path === from.path || 'at' in to.query) return true
  return { path: to.path, query: { ...to.query, at }, hash: to.hash, replace: true }
}
