import { expect, test, type Browser, type Page } from '@playwright/test'
import { expectAccessible, signIn } from './session'

/** A page that cannot leave this machine: the provider's own pages ask for fonts elsewhere. */
async function newPage(browser: Browser): Promise<Page> {
  const context = await browser.newContext()
  await context.route(
    (url) => url.hostname !== '127.0.0.1',
    (route) => route.abort(),
  )
  return context.newPage()
}

/** Signs in on the provider's own pages, and agrees to what they ask. */
async function atProvider(page: Page, login: string): Promise<void> {
  await page.locator('input[name=login]').fill(login)
  await page.locator('input[name=password]').fill('any')
  await page.getByRole('button', { name: 'Sign-in' }).click()
  await page.getByRole('button', { name: 'Continue' }).click()
}

test('an identity is linked, signs in, and is unlinked', async ({ browser }) => {
  const owner = await newPage(browser)
  await signIn(owner)
  await owner.goto('/account')
  await owner.getByRole('button', { name: 'Link Example' }).click()
  await atProvider(owner, 'ada')
  await expect(owner).toHaveURL(/\/account$/)
  await expect(owner.getByText('ada@example.org')).toBeVisible()
  await expectAccessible(owner)

  const visitor = await newPage(browser)
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

test('somebody whom nobody knows is told what to do', async ({ browser }) => {
  const page = await newPage(browser)
  await page.goto('/sign-in')
  await page.getByRole('link', { name: 'Sign in with Example' }).click()
  await atProvider(page, 'stranger')
  await expect(page).toHaveURL(/\/sign-in\?/)
  await expect(page.getByText('No account is linked to this sign-in.')).toBeVisible()
  await expectAccessible(page)
  if (process.env.E2E_PICTURE) await page.screenshot({ path: process.env.E2E_PICTURE })
})
