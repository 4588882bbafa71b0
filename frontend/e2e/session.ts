import AxeBuilder from '@axe-core/playwright'
import { expect, test as base, type BrowserContext, type Page } from '@playwright/test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

interface Credentials {
  email: string
  password: string
  token: string
}

/** What the first start of the instance under test stored for its administrator. */
export function credentials(): Credentials {
  return JSON.parse(readFileSync(join(process.env.E2E_HOME ?? '', 'credentials.json'), 'utf8')) as Credentials
}

/** Opens a session for what the page loads next, without the form: most tests are about something else. */
export async function signIn(page: Page): Promise<void> {
  const { email, password } = credentials()
  await signInAs(page, email, password)
}

/** Opens a session of somebody, as `signIn` does of the administrator. */
export async function signInAs(page: Page, email: string, password: string): Promise<void> {
  const answer = await page.request.post('/api/v1/auth/sign-in', { data: { email, password } })
  expect(answer.status(), await answer.text()).toBe(200)
}

/** Signs in as a user does. */
export async function signInByForm(page: Page): Promise<void> {
  const { email, password } = credentials()
  await page.goto('/sign-in')
  await page.locator('input[type=email]').fill(email)
  await page.locator('input[type=password]').fill(password)
  await page.locator('button[type=submit]').click()
  await expect(page).not.toHaveURL(/sign-in/)
}

/** Fails with the rules that the page breaks (WCAG 2.2 AA). */
export async function expectAccessible(page: Page): Promise<void> {
  const found = await new AxeBuilder({ page })
    .options({ resultTypes: ['violations'] })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'])
    // Without frames of other origins axe can end in the page itself: another one for that costs half a second.
    .setLegacyMode()
    .analyze()
  expect(
    found.violations.map(
      (rule) => `${rule.id}: ${rule.nodes.map((node) => node.target.join(' ')).join(', ')}`,
    ),
  ).toEqual([])
}

/** Runs in the page: tells of what its Content-Security-Policy kept from happening. */
function reportViolations(): void {
  document.addEventListener('securitypolicyviolation', (event) => {
    const { effectiveDirective, blockedURI, sample, sourceFile, lineNumber } = event
    const where = `${sourceFile}:${String(lineNumber)}`
    void window.tellViolation(`policy: ${effectiveDirective} ${blockedURI} ${sample} at ${where}`)
  })
}

declare global {
  interface Window {
    tellViolation: (text: string) => Promise<void>
  }
}

/** Collects the errors of a page, its requests to other hosts, and violations of its policy. */
async function watchPage(page: Page, origin: string | undefined, problems: string[]): Promise<void> {
  await page.exposeFunction('tellViolation', (text: string) => problems.push(text))
  await page.addInitScript(reportViolations)
  page.on('pageerror', (error) => problems.push(error.message))
  page.on('request', (request) => {
    const url = new URL(request.url())
    if (url.protocol.startsWith('http') && url.origin !== origin)
      problems.push(`left the origin: ${url.href}`)
  })
}

/**
 * A test that fails on any error in its pages, a request to another host, or a violation of the policy.
 * `another` opens a page in a browser of its own, for a second person; it is closed with the test, so that
 * no test goes on with what the ones before it left open.
 */
export const test = base.extend<{ page: Page; another: () => Promise<Page> }>({
  page: async ({ page, baseURL }, use) => {
    const problems: string[] = []
    await watchPage(page, baseURL, problems)
    await use(page)
    expect(problems).toEqual([])
  },
  another: async ({ browser, baseURL }, use) => {
    const problems: string[] = []
    const contexts: BrowserContext[] = []
    await use(async () => {
      const context = await browser.newContext()
      contexts.push(context)
      const page = await context.newPage()
      await watchPage(page, baseURL, problems)
      return page
    })
    for (const context of contexts) await context.close()
    expect(problems).toEqual([])
  },
})

export { expect }
