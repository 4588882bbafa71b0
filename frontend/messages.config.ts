import { readdirSync } from 'node:fs'
import { fileURLToPath, URL } from 'node:url'
import type { Plugin } from 'vite'

const FOLDER = fileURLToPath(new URL('./src/shared/i18n/locales/en/', import.meta.url))
const SOURCES = fileURLToPath(new URL('./src/', import.meta.url))
/** Part of the first paint on every page. */
const AT_ONCE = ['common', 'shell']
const VIRTUAL = 'virtual:messages/'

/**
 * Lets each module bring the messages whose keys it names, so that a page loads its own words and no others, and none
 * can be forgotten. A namespace is a file of the English messages.
 */
export function messagesWithTheirUsers(): Plugin {
  const namespaces = readdirSync(FOLDER)
    .map((file) => file.replace(/\.json$/, ''))
    .filter((name) => !AT_ONCE.includes(name))
  const named = new RegExp(`["'\`](${namespaces.join('|')})\\.[a-z]`, 'gi')
  return {
    name: 'reqtrail:messages-with-their-users',
    resolveId: (id) => (id.startsWith(VIRTUAL) ? `\0${id}` : undefined),
    load(id) {
      if (!id.startsWith(`\0${VIRTUAL}`)) return undefined
      const name = id.slice(VIRTUAL.length + 1)
      return [
        `import messages from ${JSON.stringify(`${FOLDER}${name}.json`)}`,
        "import { addMessages } from '@/shared/i18n'",
        `addMessages(${JSON.stringify(name)}, messages)`,
      ].join('\n')
    },
    transform(code, id) {
      if (!id.startsWith(SOURCES) || !/\.(vue|ts)($|\?)/.test(id) || id.includes('type=style'))
        return undefined
      const used = new Set([...code.matchAll(named)].map((match) => match[1]))
      if (used.size === 0) return undefined
      // Behind the module's own text, so that the lines of its source map stay right; imports run first all the same.
      const imports = [...used].map((name) => `import ${JSON.stringify(VIRTUAL + name)}`)
      return { code: `${code}\n${imports.join('\n')}\n`, map: null }
    },
  }
}
