import type { RouteRecordRaw } from 'vue-router'
import type { Permission } from '@/api/types'
import type { MessageKey } from './i18n'

/** An entry of the project's navigation. */
export interface ProjectNavEntry {
  label: MessageKey
  icon: string
  /** Name of a route below /p/:project. */
  route: string
  order: number
  shortcut?: string
  /** Shown to those who have it in the project. */
  permission?: Permission
}

/** An entry of the administrators' navigation. */
export interface AdminNavEntry {
  label: MessageKey
  icon: string
  /** Name of a route at the root. */
  route: string
  order: number
}

/** What a feature gives the application. Each feature has a `module.ts` that exports one as its default. */
export interface FeatureModule {
  id: string
  /** Routes inside the shell, at the root: `/account`. */
  routes?: RouteRecordRaw[]
  /** Routes of a project, relative to `/p/:project`: `d/:document`. */
  projectRoutes?: RouteRecordRaw[]
  /** Routes outside the shell: sign-in. */
  publicRoutes?: RouteRecordRaw[]
  projectNav?: ProjectNavEntry[]
  adminNav?: AdminNavEntry[]
}

declare module 'vue-router' {
  interface RouteMeta {
    /** Reached without being signed in. */
    open?: boolean
    title?: MessageKey
  }
}
