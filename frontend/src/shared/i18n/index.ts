import { createI18n } from 'vue-i18n'
import common from './locales/en/common.json'
import shell from './locales/en/shell.json'

/** One file is one namespace, so that a feature's words change in one place. These two are there from the start. */
const en = { common, shell }

/** The others arrive with the code that uses them: the build adds their import to every module that names a key. */
interface Features {
  identity: typeof import('./locales/en/identity.json')
  accounts: typeof import('./locales/en/accounts.json')
  access: typeof import('./locales/en/access.json')
  security: typeof import('./locales/en/security.json')
  projects: typeof import('./locales/en/projects.json')
  document: typeof import('./locales/en/document.json')
  versioning: typeof import('./locales/en/versioning.json')
  exchange: typeof import('./locales/en/exchange.json')
  schema: typeof import('./locales/en/schema.json')
  item: typeof import('./locales/en/item.json')
  notifications: typeof import('./locales/en/notifications.json')
  collaboration: typeof import('./locales/en/collaboration.json')
  audit: typeof import('./locales/en/audit.json')
  jobs: typeof import('./locales/en/jobs.json')
  timeline: typeof import('./locales/en/timeline.json')
}

type Leaves<T, Prefix extends string = ''> = {
  [K in keyof T & string]: T[K] extends string ? `${Prefix}${K}` : Leaves<T[K], `${Prefix}${K}.`>
}[keyof T & string]

/** Every key of the messages: a misspelt key does not compile. */
export type MessageKey = Leaves<typeof en & Features>

export const i18n = createI18n({ legacy: false, locale: 'en', fallbackLocale: 'en', messages: { en } })

/** Makes the messages of a namespace known. Called by what the build adds, not by hand. */
export function addMessages(namespace: string, messages: object): void {
  i18n.global.mergeLocaleMessage('en', { [namespace]: messages })
}

/** Returns the text of `key`. A number named `n` chooses the plural form (`none | one | {n} many`). */
export function t(key: MessageKey, values: Record<string, string | number> = {}): string {
  const { n } = values
  return typeof n === 'number' ? i18n.global.t(key, values, n) : i18n.global.t(key, values)
}
