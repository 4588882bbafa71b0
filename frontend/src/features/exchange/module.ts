import type { FeatureModule } from '@/shared/module'

const exchangeModule: FeatureModule = {
  id: 'exchange',
  projectRoutes: [{ path: 'exchange', name: 'exchange', component: () => import('./ExchangePage.vue') }],
  projectNav: [
    {
      label: 'shell.areas.exchange',
      icon: 'i-lucide-arrow-left-right',
      route: 'exchange',
      order: 40,
      shortcut: 'g x',
    },
  ],
}

export default exchangeModule
