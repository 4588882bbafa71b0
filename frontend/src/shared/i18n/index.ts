import { createI18n } from 'vue-i18n'
import common from './locales/en/common.json'
import shell from './locales/en/shell.json'
import identity from './locales/en/identity.json'
import projects from './locales/en/projects.json'
import document from './locales/en/document.json'
import versioning from './locales/en/versioning.json'
import exchange from './locales/en/exchange.json'
import schema from './locales/en/schema.json'
import item from './locales/en/item.json'

/** One file is one namespace, so that a feature's words change in one place. */
const en = { common, shell, identity, projects, document, versioning, exchange, schema, item }

type Leaves<T, Prefix extends string = ''> = {
  [K in keyof T & string]: T[K] extends string ? `${Prefix}${K}` : Leaves<T[K], `${Prefix}${K}.`>
}[keyof T & string]

/** Every key of the messages: a misspelt key does not compile. */
export type MessageKey = Leaves<typeof en>

export const i18n = createI18n({ legacy: false, locale: 'en', fallbackLocale: 'en', messages: { en } })

/** Returns the text of `key`. A number named `n` chooses the plural form (`none | one | {n} many`). */
export function t(key: MessageKey, values: Record<string, string | number> = {}): string {
  const { n } = values
  return typeof n === 'number' ? i18n.global.t(key, values, n) : i18n.global.t(key, values)
}
