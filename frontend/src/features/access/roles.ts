import type { Role } from '@/api/types'

/** The roles, the highest first; each may do what the ones after it may. */
export const ROLES: readonly Role[] = ['owner', 'editor', 'reviewer', 'commenter', 'viewer']
