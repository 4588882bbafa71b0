import type { FeatureModule } from '@/shared/module'

const jobsModule: FeatureModule = {
  id: 'jobs',
  routes: [
    { path: 'jobs', name: 'jobs', component: () => import('./JobsPage.vue') },
    { path: 'admin/jobs', name: 'admin-jobs', component: () => import('./AdminJobsPage.vue') },
  ],
  projectRoutes: [{ path: 'jobs', name: 'project-jobs', component: () => import('./ProjectJobsPage.vue') }],
  projectNav: [
    {
      label: 'shell.areas.jobs',
      icon: 'i-lucide-list-checks',
      route: 'project-jobs',
      order: 87,
      permission: 'job:run',
    },
  ],
  adminNav: [{ label: 'shell.areas.jobs', icon: 'i-lucide-list-checks', route: 'admin-jobs', order: 25 }],
}

export default jobsModule
