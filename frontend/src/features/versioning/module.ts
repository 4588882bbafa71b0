import type { FeatureModule } from '@/shared/module'

const versioningModule: FeatureModule = {
  id: 'versioning',
  projectRoutes: [
    { path: 'history', name: 'history', component: () => import('./history/HistoryPage.vue') },
    {
      path: 'd/:document/history',
      name: 'document-history',
      component: () => import('./timeline/DocumentTimelinePage.vue'),
    },
    { path: 'compare', name: 'compare', component: () => import('./compare/ComparePage.vue') },
    { path: 'branches', name: 'branches', component: () => import('./branches/BranchesPage.vue') },
    { path: 'branches/:branch/merge', name: 'merge', component: () => import('./branches/MergePage.vue') },
    { path: 'baselines', name: 'baselines', component: () => import('./baselines/BaselinesPage.vue') },
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
    {
      label: 'shell.areas.branches',
      icon: 'i-lucide-git-branch',
      route: 'branches',
      order: 32,
      shortcut: 'g b',
    },
    {
      label: 'shell.areas.baselines',
      icon: 'i-lucide-bookmark',
      route: 'baselines',
      order: 34,
      shortcut: 'g l',
    },
  ],
}

export default versioningModule
