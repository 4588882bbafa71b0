import { expect, test as base, type BrowserContext, type Page } from '@playwright/test'
import { expectAccessible, signIn } from './session'

/** Opens pages that cannot leave this machine: the provider's own pages ask for fonts elsewhere. */
const test = base.extend<{ newPage: () => Promise<Page> }>({
  newPage: async ({ browser }, use) => {
    const contexts: BrowserContext[] = []
    await use(async () => {
      const context = await browser.newContext()
      contexts.push(context)
      await context.route(
        (url) => url.hostname !== '127.0.0.1',
        (route) => route.abort(),
      )
      return context.newPage()
    })
    for (const context of contexts) await context.close()
  },
})

/** Signs in on the provider's own pages, and agrees to what they ask. */
async function atProvider(page: Page, login: string): Promise<void> {
  await page.locator('input[name=login]').fill(login)
  await page.locator('input[name=password]').fill('any')
  await page.getByRole('button', { name: 'Sign-in' }).click()
  await page.getByRole('button', { name: 'Continue' }).click()
}

test('an identity is linked, signs in, and is unlinked', async ({ newPage }) => {
  const owner = await newPage()
  await signIn(owner)
  await owner.goto('/account')
  await owner.getByRole('button', { name: 'Link Example' }).click()
  await atProvider(owner, 'ada')
  await expect(owner).toHaveURL(/\/account$/)
  await expect(owner.getByText('ada@example.org')).toBeVisible()
  await expectAccessible(owner)

  const visitor = await newPage()
  await visitor.goto('/account')
  await expect(visitor).toHaveURL(/\/sign-in\?next=/)
  await expectAccessible(visitor)
  await visitor.getByRole('link', { name: 'Sign in with Example' }).click()
  await atProvider(visitor, 'ada')
  await expect(visitor).toHaveURL(/\/account$/)
  await expect(visitor.getByText('ada@example.org')).toBeVisible()

  await owner.getByRole('button', { name: 'Unlink Example' }).click()
  await expect(owner.getByText('No identity is linked yet.')).toBeVisible()
})

test('somebody whom nobody knows is told what to do', async ({ newPage }) => {
  const page = await newPage()
  await page.goto('/sign-in')
  await page.getByRole('link', { name: 'Sign in with Example' }).click()
  await atProvider(page, 'stranger')
  await expect(page).toHaveURL(/\/sign-in\?/)
  await expect(page.getByText('No account is linked to this sign-in.')).toBeVisible()
  await expectAccessible(page)
  if (process.env.E2E_PICTURE) await page.screenshot({ path: process.env.E2E_PICTURE })
})
