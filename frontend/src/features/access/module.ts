import type { FeatureModule } from '@/shared/module'

const accessModule: FeatureModule = {
  id: 'access',
  routes: [{ path: 'groups', name: 'groups', component: () => import('./GroupsPage.vue') }],
  adminNav: [{ label: 'access.groups.title', icon: 'i-lucide-users-round', route: 'groups', order: 15 }],
}

export default accessModule
