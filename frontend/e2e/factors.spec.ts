import type { Page } from '@playwright/test'
import { readFileSync } from 'node:fs'
import { VirtualAuthenticator, totpCode } from './authenticator'
import { credentials, expect, expectAccessible, signIn, test } from './session'

const PASSWORD = 'correct horse battery staple'
let number = 0

/** Makes an account and returns its address. */
async function person(page: Page): Promise<string> {
  number += 1
  const email = `factors${number}.${test.info().workerIndex}@example.org`
  const made = await page.request.post('/api/v1/users', {
    headers: { Authorization: `Bearer ${credentials().token}` },
    data: { email, display_name: `Person ${number}`, password: PASSWORD },
  })
  expect(made.status()).toBe(201)
  return email
}

async function typePassword(page: Page, email: string): Promise<void> {
  await page.goto('/sign-in')
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await page.getByRole('button', { name: 'Sign in', exact: true }).click()
}

/** Opens one's account page by the menus of the application, which keep the sign-in. */
async function account(page: Page): Promise<void> {
  await page.goto('/account')
  await expect(page.getByRole('heading', { name: 'Second factors' })).toBeVisible()
}

async function signOut(page: Page): Promise<void> {
  await page.context().clearCookies()
}

test('an authenticator app is set up, asked for, and replaced by a recovery code', async ({ page }) => {
  const email = await person(page)
  await typePassword(page, email)
  await expect(page).not.toHaveURL(/sign-in/)
  await account(page)
  await page.getByRole('button', { name: 'Set up' }).click()
  await expect(page.getByRole('img', { name: 'QR code for an authenticator app' })).toBeVisible()
  await page.getByText('It cannot be scanned').click()
  const secret = await page.locator('details code').innerText()
  await page.getByLabel('Code from the app').fill('000000')
  await page.getByRole('button', { name: 'Confirm', exact: true }).click()
  await expect(page.getByText('The code is wrong')).toBeVisible()
  await expectAccessible(page)
  await page.getByLabel('Code from the app').fill(totpCode(secret))
  await page.getByRole('button', { name: 'Confirm', exact: true }).click()

  const codes = page.getByRole('status').locator('li')
  await expect(codes).toHaveCount(10)
  const kept = await codes.allInnerTexts()
  await expectAccessible(page)
  const download = page.waitForEvent('download')
  await page.getByRole('button', { name: 'Download' }).click()
  const saved = readFileSync(await (await download).path(), 'utf8')
  expect(saved.trim().split('\n')).toEqual(kept)
  await page.getByRole('button', { name: 'I have kept them' }).click()
  await expect(codes).toHaveCount(0)
  await expect(page.getByText('10 codes left')).toBeVisible()

  await signOut(page)
  await typePassword(page, email)
  await expect(page.getByRole('heading', { name: 'One more step' })).toBeVisible()
  await expectAccessible(page)
  await page.getByLabel('Code', { exact: true }).fill('111111')
  await page.getByRole('button', { name: 'Continue' }).click()
  await expect(page.getByText('The code is wrong')).toBeVisible()
  await page.getByLabel('Code', { exact: true }).fill(totpCode(secret, 1))
  await page.getByRole('button', { name: 'Continue' }).click()
  await expect(page).not.toHaveURL(/sign-in/)

  await signOut(page)
  await typePassword(page, email)
  await page.getByRole('button', { name: 'Use a recovery code' }).click()
  await page.getByLabel('Recovery code').fill(kept[0] ?? '')
  await page.getByRole('button', { name: 'Continue' }).click()
  await expect(page).not.toHaveURL(/sign-in/)
  await account(page)
  await expect(page.getByText('9 codes left')).toBeVisible()
  await page.getByRole('button', { name: 'Remove', exact: true }).click()
  await expect(page.getByRole('button', { name: 'Set up' })).toBeVisible()
})

test('a sign-in that is not fresh asks for the password before a change', async ({ page }) => {
  const email = await person(page)
  await typePassword(page, email)
  await expect(page).not.toHaveURL(/sign-in/)
  await account(page)
  // The server would refuse after ten minutes; here it does so once.
  let refused = false
  await page.route('**/api/v1/me/factors/totp', async (route) => {
    if (refused) return route.fallback()
    refused = true
    await route.fulfill({
      status: 403,
      contentType: 'application/problem+json',
      body: JSON.stringify({ code: 'reauthentication_needed', detail: 'Type your password again.' }),
    })
  })
  await page.getByRole('button', { name: 'Set up' }).click()
  const dialog = page.getByRole('dialog', { name: 'Confirm that it is you' })
  await dialog.getByLabel('Password').fill('not the password')
  await dialog.getByRole('button', { name: 'Confirm' }).click()
  await expect(dialog.getByText('That is not right')).toBeVisible()
  await expectAccessible(page)
  await dialog.getByLabel('Password').fill(PASSWORD)
  await dialog.getByRole('button', { name: 'Confirm' }).click()
  await expect(page.getByRole('img', { name: 'QR code for an authenticator app' })).toBeVisible()
})

test.describe('passkeys', () => {
  // Browsers bind passkeys to names: 127.0.0.1 is none.
  test.use({ baseURL: `http://localhost:${process.env.E2E_PORT ?? '8790'}` })

  test('a passkey is added, signs in alone and as the second step, and goes', async ({ page }) => {
    const email = await person(page)
    const device = await VirtualAuthenticator.plugInto(page)
    await typePassword(page, email)
    await expect(page).not.toHaveURL(/sign-in/)
    await account(page)
    await page.getByRole('button', { name: 'Add a passkey' }).click()
    await page.getByLabel('What is it on?').fill('My laptop')
    await page.getByRole('button', { name: 'Create', exact: true }).click()
    await expect(page.getByRole('status').locator('li')).toHaveCount(10)
    expect(await device.count()).toBe(1)
    await page.getByRole('button', { name: 'I have kept them' }).click()
    await expectAccessible(page)

    await signOut(page)
    await page.goto('/sign-in')
    await expectAccessible(page)
    await device.verifies(false)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await expect(page.getByText('No passkey was used')).toBeVisible()
    await device.verifies(true)
    await page.getByRole('button', { name: 'Sign in with a passkey' }).click()
    await expect(page).not.toHaveURL(/sign-in/)

    await signOut(page)
    await typePassword(page, email)
    await page.getByRole('button', { name: 'Use a passkey' }).click()
    await expect(page).not.toHaveURL(/sign-in/)

    await account(page)
    await page.getByLabel('Name of the passkey My laptop').fill('Old laptop')
    await page.getByLabel('Name of the passkey My laptop').blur()
    await page.getByRole('button', { name: 'Remove the passkey Old laptop' }).click()
    await expect(page.getByText('Signs in without the password too')).toBeVisible()
    await signOut(page)
    await typePassword(page, email)
    await expect(page).not.toHaveURL(/sign-in/)
  })
})

test('where passkeys cannot work, none is offered and the right address is told', async ({ page }) => {
  const email = await person(page)
  await page.goto('/sign-in')
  await expect(page.getByRole('button', { name: 'Sign in with a passkey' })).toHaveCount(0)
  await typePassword(page, email)
  await expect(page).not.toHaveURL(/sign-in/)
  await account(page)
  await expect(page.getByText(/Passkeys work at http:\/\/localhost:\d+ only/)).toBeVisible()
})

test('an administrator removes lost factors', async ({ page }) => {
  const email = await person(page)
  await signIn(page)
  await page.goto('/admin/users')
  await page.getByRole('button', { name: new RegExp(email) }).click()
  await page.getByRole('menuitem', { name: 'Remove second factors' }).click()
  const dialog = page.getByRole('dialog', { name: /Remove the second factors of Person/ })
  await expectAccessible(page)
  await dialog.getByRole('button', { name: 'Remove second factors' }).click()
  await expect(page.getByText(/The second factors of Person \d+ were removed/).first()).toBeVisible()
})
