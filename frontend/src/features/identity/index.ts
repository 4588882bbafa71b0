export { useSession } from './useSession'
export { listUsers } from './identity.api'
