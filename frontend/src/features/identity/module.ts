import type { RouteRecordRaw } from 'vue-router'
import type { FeatureModule } from '@/shared/module'

const open = (
  path: string,
  component: () => Promise<unknown>,
  props: Record<string, unknown> = {},
): RouteRecordRaw => ({
  path: `/${path}`,
  name: path,
  meta: { open: true },
  component: component as () => Promise<typeof import('./SignInPage.vue')>,
  props,
})
const joinPage = () => import('./joining/JoinPage.vue')
const confirmPage = () => import('./joining/ConfirmAddressPage.vue')

const identityModule: FeatureModule = {
  id: 'identity',
  publicRoutes: [
    open('sign-in', () => import('./SignInPage.vue')),
    open('forgot-password', () => import('./joining/ForgotPasswordPage.vue')),
    open('register', () => import('./joining/RegisterPage.vue')),
    // Where mailed links lead: the paths are those of the backend's service/letters.py.
    open('reset-password', () => import('./joining/ResetPasswordPage.vue')),
    open('invitation', joinPage, { purpose: 'invitation' }),
    open('registration', joinPage, { purpose: 'registration' }),
    open('verify-email', confirmPage, { change: false }),
    open('change-email', confirmPage, { change: true }),
  ],
  routes: [
    { path: 'account', name: 'account', component: () => import('./AccountPage.vue') },
    { path: 'admin/users', name: 'admin-users', component: () => import('./admin/UsersPage.vue') },
    { path: 'admin/mails', name: 'admin-mails', component: () => import('./admin/MailsPage.vue') },
  ],
  adminNav: [
    { label: 'accounts.users.title', icon: 'i-lucide-users', route: 'admin-users', order: 10 },
    { label: 'accounts.mails.title', icon: 'i-lucide-mail', route: 'admin-mails', order: 20 },
  ],
}

export default identityModule
