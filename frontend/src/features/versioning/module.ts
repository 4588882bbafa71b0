import type { FeatureModule } from '@/shared/module'

const versioningModule: FeatureModule = {
  id: 'versioning',
  projectRoutes: [
    { path: 'history', name: 'history', component: () => import('./history/HistoryPage.vue') },
    { path: 'compare', name: 'compare', component: () => import('./compare/ComparePage.vue') },
  ],
  projectNav: [
    {
      label: 'shell.areas.history',
      icon: 'i-lucide-history',
      route: 'history',
      order: 20,
      shortcut: 'g y',
    },
    {
      label: 'shell.areas.compare',
      icon: 'i-lucide-git-compare',
      route: 'compare',
      order: 30,
      shortcut: 'g c',
    },
  ],
}

export default versioningModule
