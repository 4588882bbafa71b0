import type { ApiToken, Permission } from '@/api/types'
import { t } from '@/shared/i18n'
import { dateTime, relativeTime } from '@/shared/lib/dates'

/** What reads, of the permissions that a token may have. */
export const READING: readonly Permission[] = [
  'project:read',
  'document:read',
  'history:read',
  'member:read',
  'import:read',
  'export:run',
  'job:run',
]
/** What writes content; managing members and settings is no part of it. */
export const WRITING: readonly Permission[] = [
  'item:write',
  'branch:create',
  'branch:merge',
  'baseline:create',
  'import:run',
]
/** What owners alone may do. */
export const OWNING: readonly Permission[] = [
  'branch:protect',
  'member:manage',
  'restriction:manage',
  'project:update',
  'project:archive',
  'history:redact',
  'audit:read',
  'webhook:manage',
  'job:manage',
]

export function isOver(token: ApiToken, now = Date.now()): boolean {
  return token.expires_at !== null && Date.parse(token.expires_at) <= now
}

export function endOf(token: ApiToken): string {
  if (token.expires_at === null) return t('identity.account.noExpiry')
  if (isOver(token)) return t('access.tokens.expired', { when: relativeTime(token.expires_at) })
  return t('identity.account.expires', { when: dateTime(token.expires_at) })
}

const same = (a: readonly string[], b: readonly string[]) =>
  a.length === b.length && a.every((one) => b.includes(one))

/** Says what a token may do and where. */
export function limitsOf(token: ApiToken): string {
  const { permissions, projects } = token
  const what =
    permissions === null
      ? t('access.tokens.everything')
      : same(permissions, READING)
        ? t('access.tokens.read')
        : same(permissions, [...READING, ...WRITING])
          ? t('access.tokens.readWrite')
          : permissions.map((one) => t(`access.permission.${one as Permission}`)).join(', ')
  const where =
    projects === null
      ? t('access.tokens.allProjects')
      : projects.length > 0
        ? projects.join(', ')
        : t('access.tokens.noProject')
  return `${t('access.tokens.may')} ${what} · ${t('access.tokens.limitedTo', { projects: where })}`
}
