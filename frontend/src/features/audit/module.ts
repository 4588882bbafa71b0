import type { FeatureModule } from '@/shared/module'

const page = () => import('./AuditPage.vue')

const auditModule: FeatureModule = {
  id: 'audit',
  routes: [{ path: 'admin/audit', name: 'admin-audit', component: page }],
  projectRoutes: [{ path: 'audit', name: 'audit', component: page }],
  projectNav: [
    {
      label: 'shell.areas.audit',
      icon: 'i-lucide-scroll-text',
      route: 'audit',
      order: 85,
      shortcut: 'g a',
      permission: 'audit:read',
    },
  ],
  adminNav: [{ label: 'shell.areas.audit', icon: 'i-lucide-scroll-text', route: 'admin-audit', order: 30 }],
}

export default auditModule
