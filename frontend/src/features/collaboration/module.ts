import type { FeatureModule } from '@/shared/module'

const collaborationModule: FeatureModule = { id: 'collaboration' }

export default collaborationModule
