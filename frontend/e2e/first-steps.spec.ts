import { expect, expectAccessible, signInByForm, test } from './session'

test('sign-in refuses a wrong password and says so', async ({ page }) => {
  await page.goto('/sign-in')
  await expectAccessible(page)
  await page.locator('input[type=email]').fill('nobody@example.com')
  await page.locator('input[type=password]').fill('wrong password')
  await page.locator('button[type=submit]').click()
  await expect(page.getByRole('alert').first()).toBeVisible()
  await expect(page).toHaveURL(/sign-in/)
})

test('the demo project shows its documents, and a document shows its requirements', async ({ page }) => {
  await signInByForm(page)
  await page.goto('/p/RQT')
  await expect(page.getByText('Stakeholder needs').first()).toBeVisible()
  await page
    .getByRole('link', { name: /Stakeholder needs/ })
    .first()
    .click()
  await expect(page).toHaveURL(/\/p\/RQT\/d\//)
  await expect(page.getByRole('treegrid')).toBeVisible()
  await expect(page.getByRole('row').first()).toBeVisible()
})

test('a sign-in survives a reload', async ({ page }) => {
  await signInByForm(page)
  await page.reload()
  await expect(page).not.toHaveURL(/sign-in/)
})
