import AxeBuilder from '@axe-core/playwright'
import { expect, test as base, type Page } from '@playwright/test'
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

export async function signIn(page: Page): Promise<void> {
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
    .withTags(['wcag2a', 'wcag2aa', 'wcag21aa', 'wcag22aa'])
    .analyze()
  expect(
    found.violations.map(
      (rule) => `${rule.id}: ${rule.nodes.map((node) => node.target.join(' ')).join(', ')}`,
    ),
  ).toEqual([])
}

/** A test whose page is signed in, and which fails on any error in the page's console or a request to another host. */
export const test = base.extend<{ page: Page }>({
  page: async ({ page, baseURL }, use) => {
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(error.message))
    page.on('request', (request) => {
      const url = new URL(request.url())
      if (url.protocol.startsWith('http') && url.origin !== baseURL)
        problems.push(`left the origin: ${url.href}`)
    })
    await use(page)
    expect(problems).toEqual([])
  },
})

export { expect }
