import type { FeatureModule } from '@/shared/module'

const requirementsModule: FeatureModule = {
  id: 'requirements',
  projectRoutes: [
    { path: 'd/:document', name: 'document', component: () => import('./document/DocumentPage.vue') },
    { path: 'unplaced', name: 'unplaced', component: () => import('./lists/ItemListPage.vue') },
    { path: 'deleted', name: 'deleted', component: () => import('./lists/ItemListPage.vue') },
  ],
}

export default requirementsModule
