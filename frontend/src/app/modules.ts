import type { RouteRecordRaw } from 'vue-router'
import type { AdminNavEntry, FeatureModule, ProjectNavEntry } from '@/shared/module'

const found = import.meta.glob<{ default: FeatureModule }>('../features/*/module.ts', { eager: true })

/** Every feature, in the order of its name. */
export const modules: readonly FeatureModule[] = Object.values(found).map((file) => file.default)

export const routesOf = (part: 'routes' | 'projectRoutes' | 'publicRoutes'): RouteRecordRaw[] =>
  modules.flatMap((module) => module[part] ?? [])

export const projectNav: readonly ProjectNavEntry[] = modules
  .flatMap((module) => module.projectNav ?? [])
  .sort((a, b) => a.order - b.order)

export const adminNav: readonly AdminNavEntry[] = modules
  .flatMap((module) => module.adminNav ?? [])
  .sort((a, b) => a.order - b.order)
