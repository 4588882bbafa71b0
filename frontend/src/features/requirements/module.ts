import type { FeatureModule } from '@/shared/module'

const requirementsModule: FeatureModule = {
  id: 'requirements',
  projectRoutes: [{ path: 'd/:document', name: 'document', component: () => import('./DocumentPage.vue') }],
}

export default requirementsModule
