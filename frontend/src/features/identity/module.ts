import type { FeatureModule } from '@/shared/module'

const identityModule: FeatureModule = {
  id: 'identity',
  publicRoutes: [
    {
      path: '/sign-in',
      name: 'sign-in',
      meta: { open: true },
      component: () => import('./SignInPage.vue'),
    },
  ],
  routes: [{ path: 'account', name: 'account', component: () => import('./AccountPage.vue') }],
}

export default identityModule
