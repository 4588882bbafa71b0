import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { expect } from './session'

const FOLDER = '../../shared/corpora'
const SEED = 1
/** `make test` shows a sample, `make test-long` everything. */
const WHOLE = process.env.E2E_LONG === '1'
/** What XML cannot hold is refused before it is stored. */
const NO_XML = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]|[\ud800-\udbff](?![\udc00-\udfff])/

export const corporaAreThere = existsSync(FOLDER)

/** The texts of corpora that can be stored, each once: all of them, or `size` that are the same in every run. */
export function texts(size: number, ...names: string[]): string[] {
  const all = names.flatMap((name) => {
    const found = JSON.parse(readFileSync(join(FOLDER, `${name}.json`), 'utf8')) as (
      string | { payload: string }
    )[]
    return found.map((entry) => (typeof entry === 'string' ? entry : entry.payload))
  })
  const fit = [...new Set(all)].filter((text) => text.trim() !== '' && !NO_XML.test(text))
  return WHOLE ? fit : shuffled(fit).slice(0, size)
}

export const markup = (size: number): string[] =>
  texts(
    size,
    ...['xss_payloadbox', 'xss_patt_JHADDIX_XSS', 'xss_patt_RSNAKE_XSS', 'html_dompurify_fixtures'],
    'naughty_strings',
  )

/** Cuts what does not fit on one screen into parts. */
export function parts<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, n) => list.slice(n * size, (n + 1) * size))
}

function shuffled<T>(list: readonly T[]): T[] {
  const result = [...list]
  let state = SEED
  for (let last = result.length - 1; last > 0; last -= 1) {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    const other = state % (last + 1)
    ;[result[last], result[other]] = [result[other] as T, result[last] as T]
  }
  return result
}

/** Makes whatever a script of a corpus would call tell of it. To be called before the page is opened. */
export async function watchForScripts(page: Page): Promise<void> {
  page.on('dialog', (dialog) => void dialog.dismiss())
  await page.addInitScript(() => {
    const ran: string[] = []
    Object.assign(window, { ran })
    for (const name of ['alert', 'confirm', 'prompt', 'print', 'open'])
      Object.assign(window, { [name]: (...given: unknown[]) => void ran.push(`${name} ${String(given[0])}`) })
  })
}

/** Fails if a script of a corpus ran, or if anything stands in the page that could make one run. */
export async function expectNothingRan(page: Page): Promise<void> {
  const found = await page.evaluate(() => {
    const active: string[] = [...(window as unknown as { ran: string[] }).ran]
    for (const script of document.scripts)
      if (!script.src || new URL(script.src).origin !== location.origin) active.push(script.outerHTML)
    for (const element of document.querySelectorAll('*')) {
      const named = element.getAttributeNames().filter((name) => /^on|^srcdoc$/i.test(name))
      if (named.length > 0 || element.matches('iframe, frame, object, embed, base, meta[http-equiv=refresh]'))
        active.push(element.outerHTML)
      const target = (element as HTMLAnchorElement).protocol
      if (target && !['http:', 'https:', 'mailto:', ':', 'blob:'].includes(target))
        active.push(element.outerHTML)
    }
    return active
  })
  expect(found).toEqual([])
}
