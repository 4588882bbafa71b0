import type { FeatureModule } from '@/shared/module'

const notificationsModule: FeatureModule = { id: 'notifications' }

export default notificationsModule
