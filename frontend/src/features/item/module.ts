import type { FeatureModule } from '@/shared/module'

const itemModule: FeatureModule = {
  id: 'item',
  projectRoutes: [{ path: 'i/:item', name: 'item', component: () => import('./ItemPage.vue') }],
}

export default itemModule
