export { ROLES } from '@/features/access'
