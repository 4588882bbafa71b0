import type { FeatureModule } from '@/shared/module'

const schemaModule: FeatureModule = {
  id: 'schema',
  projectRoutes: [{ path: 'settings/types', name: 'schema', component: () => import('./SchemaPage.vue') }],
}

export default schemaModule
