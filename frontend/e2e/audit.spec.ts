import { readFileSync } from 'node:fs'
import { SampleProject } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

test.beforeEach(({ page }) => signIn(page))

test('an owner finds, reads, checks and exports what happened in the project', async ({ page }) => {
  const project = await SampleProject.make()
  await page.goto(`/p/${project.key}`)
  await page.getByRole('link', { name: 'Audit log' }).click()
  await expect(page.getByRole('heading', { name: 'Audit log' })).toBeVisible()
  const events = page.getByTestId('audit-event')
  await expect(events.last()).toContainText('project:create')
  await expectAccessible(page)

  // By keyboard: an event opens in place, with its values before and after.
  await events.last().focus()
  await page.keyboard.press('Enter')
  await expect(events.last()).toHaveAttribute('aria-expanded', 'true')
  await expect(page.getByTestId('audit-values')).toContainText(project.key)
  await expectAccessible(page)
  await page.keyboard.press('Enter')

  // What is searched for is in the address, and comes back with it.
  await page.getByRole('searchbox', { name: 'Words in an event' }).fill('project:create')
  await expect(events).toHaveCount(1)
  await expect(page).toHaveURL(/q=project/)
  await page.reload()
  await expect(events).toHaveCount(1)
  await page.getByRole('searchbox', { name: 'Words in an event' }).fill('nothing like it')
  await expect(page.getByTestId('empty-state')).toContainText('Nothing fits these filters')
  await expectAccessible(page)
  await page.getByTestId('empty-state').getByRole('button', { name: 'Clear filters' }).click()
  await expect(events.last()).toContainText('project:create')
  await page.getByRole('combobox', { name: 'Action' }).selectOption('project')
  await expect(page).toHaveURL(/action=project/)

  // The worker seals; what it sealed is as it was.
  const seals = page.getByTestId('audit-seal')
  await expect(async () => {
    await seals.getByRole('button', { name: 'Check the seals' }).click()
    await expect(page.getByTestId('audit-report')).toContainText(/as (it was|they were) sealed/, {
      timeout: 2_000,
    })
  }).toPass()
  await expect(seals).toContainText('Root')

  await page.getByRole('button', { name: 'Export' }).click()
  const download = page.waitForEvent('download')
  await page.getByRole('menuitem', { name: 'As a table (CSV)' }).click()
  const file = await download
  expect(file.suggestedFilename()).toBe(`audit-${project.key}.csv`)
  expect(readFileSync(await file.path(), 'utf8')).toContain('project:create')
  await page.getByRole('combobox', { name: 'Action' }).selectOption('audit')
  await expect(events.first()).toContainText('audit:export')
})

test('an administrator sees the instance, and a failure says what to do', async ({ page }) => {
  await page.goto('/')
  await page.getByRole('link', { name: 'Audit log' }).click()
  await expect(page).toHaveURL(/admin\/audit/)
  const events = page.getByTestId('audit-event')
  await expect(events.filter({ hasText: 'session:open' }).first()).toBeVisible()
  await expectAccessible(page)
  await page.route('**/api/v1/audit?*', (route) => route.fulfill({ status: 503, body: '{}' }))
  await page.getByRole('combobox', { name: 'Outcome' }).selectOption('refused')
  await expect(page.getByTestId('error-state')).toBeVisible({ timeout: 30_000 })
  await page.unroute('**/api/v1/audit?*')
  await page.getByRole('button', { name: 'Try again' }).click()
  await expect(page.getByTestId('error-state')).toHaveCount(0)
})
