import type { FeatureModule } from '@/shared/module'

const projectsModule: FeatureModule = {
  id: 'projects',
  routes: [{ path: '', name: 'projects', component: () => import('./ProjectsPage.vue') }],
  projectRoutes: [
    { path: '', name: 'project', component: () => import('./ProjectHome.vue') },
    { path: 'settings', name: 'project-settings', component: () => import('./ProjectSettingsPage.vue') },
  ],
  projectNav: [
    { label: 'shell.areas.home', icon: 'i-lucide-house', route: 'project', order: 10, shortcut: 'g h' },
    {
      label: 'shell.areas.settings',
      icon: 'i-lucide-settings',
      route: 'project-settings',
      order: 90,
      shortcut: 'g s',
    },
  ],
}

export default projectsModule
