import { type Page } from '@playwright/test'
import { api, SampleProject } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

// The machine may be busy: each test goes through many screens.
test.describe.configure({ timeout: 120_000 })
test.beforeEach(({ page }) => signIn(page))

test('convention 3: command palette', async ({ page }) => {
  await page.goto('/p/RQT')
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await page.keyboard.press('ControlOrMeta+k')
  const palette = page.getByRole('dialog')
  const input = palette.getByRole('combobox')
  const option = (name: string | RegExp) => palette.getByRole('option', { name })
  await expect(input).toBeFocused()
  // Commands show their shortcuts.
  await expect(option(/Show keyboard shortcuts/)).toContainText('?')
  await expect(option(/^History/)).toContainText('GY')
  await expectAccessible(page)

  // What is at hand does not wait for the server.
  const letGo = await holdServer(page)
  await input.fill('history')
  await expect(option(/^History/)).toHaveAttribute('aria-selected', 'true')
  await letGo()

  // A document, by a part of its title; arrows choose, Enter goes.
  await input.fill('needs')
  await expect(option(/Stakeholder needs/)).toHaveAttribute('aria-selected', 'true')
  await page.keyboard.press('ArrowDown')
  await expect(option(/Stakeholder needs/)).toHaveAttribute('aria-selected', 'false')
  await page.keyboard.press('ArrowUp')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/p\/RQT\/d\//)
  await expect(palette).toBeHidden()

  // Any key, with its letters or without; from anywhere.
  await page.goto('/account')
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await page.keyboard.press('ControlOrMeta+k')
  await input.fill('rqt-5')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/p\/RQT\/i\/RQT-5$/)
  await page.keyboard.press('ControlOrMeta+k')
  await input.fill('7')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/p\/RQT\/i\/RQT-7$/)

  // An item by its words.
  await page.keyboard.press('ControlOrMeta+k')
  await input.fill('inverse commit')
  await expect(option(/Inverse commit/).first()).toBeVisible()
  await option(/Inverse commit/)
    .first()
    .click()
  await expect(page).toHaveURL(/\/p\/RQT\/i\/RQT-\d+$/)

  // Nothing found teaches what can be typed; Escape closes.
  await page.keyboard.press('ControlOrMeta+k')
  await input.fill('zzqqxx')
  await expect(palette).toContainText('Nothing found for “zzqqxx”')
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await expect(palette).toBeHidden()

  // Each command of the palette runs, and so does its shortcut.
  await page.keyboard.press('ControlOrMeta+k')
  await input.fill('compare')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/\/p\/RQT\/compare/)
  await page.keyboard.press('g')
  await page.keyboard.press('y')
  await expect(page).toHaveURL(/\/p\/RQT\/history/)
  await page.keyboard.press('?')
  const sheet = page.getByRole('dialog', { name: 'Keyboard shortcuts' })
  await expect(sheet).toContainText('Undo my last change')
  await expectAccessible(page)
})

test('convention 13: empty and error states teach', async ({ page }) => {
  // An empty project says what to do, with one main action, and import beside it.
  const project = await SampleProject.make()
  await page.goto(`/p/${project.key}`)
  const empty = page.getByTestId('empty-state')
  await expect(empty.getByRole('button', { name: 'New document' })).toBeVisible()
  await expect(empty.getByRole('link', { name: /Import/ })).toHaveAttribute('href', /exchange/)
  await expectAccessible(page)

  // Filtered to nothing is not empty: it names the filter and takes it off.
  await page.goto('/')
  await page.getByRole('searchbox').fill('zzqqxx')
  await expect(empty).toContainText('zzqqxx')
  await expectAccessible(page)
  await empty.getByRole('button').click()
  await expect(page.getByRole('link', { name: /RQT/ }).first()).toBeVisible()

  // An error stands at its place, with its request id and a retry that works.
  const path = `**/api/v1/projects/${project.key}/imports`
  await page.route(path, (route) =>
    route.fulfill({
      status: 500,
      headers: { 'x-request-id': 'req-4711', 'content-type': 'application/problem+json' },
      body: JSON.stringify({
        type: 'about:blank',
        title: 'Error',
        status: 500,
        code: 'internal',
        detail: 'It broke.',
      }),
    }),
  )
  await page.goto(`/p/${project.key}/exchange`)
  const error = page.getByTestId('error-state')
  await expect(error).toContainText('It broke.', { timeout: 15_000 })
  await expect(error).toContainText('req-4711')
  await expectAccessible(page)
  await page.unroute(path)
  await error.getByRole('button', { name: 'Try again' }).click()
  await expect(error).toBeHidden()
  await expect(page.getByText('No imports yet')).toBeVisible()

  // What is not there, or not to be seen, says so and shows the way home.
  await page.goto('/p/NOSUCH')
  await expect(error).toContainText('NOSUCH')
  await expectAccessible(page)
  await page.goto('/no/such/page')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('There is nothing at this address')
  await expectAccessible(page)
  await page.getByRole('main').getByRole('link').click()
  await expect(page).toHaveURL(/\/$/)
})

test('convention 15: toasts with undo', async ({ page }) => {
  const project = await SampleProject.make()
  await project.document('Brakes')
  await page.clock.install()
  await page.goto(`/p/${project.key}`)
  const archive = async () => {
    await page
      .getByRole('main')
      .getByRole('button', { name: /Brakes/ })
      .click()
    await page.getByRole('menuitem', { name: 'Archive' }).click()
  }
  const archived = async () => {
    const { documents } = await api<{ documents: { archived: boolean }[] }>(
      'GET',
      `/projects/${project.key}/documents`,
    )
    return documents[0]?.archived
  }
  const notices = page.getByRole('region', { name: 'Notices' })
  const toasts = notices.getByRole('listitem')

  // Said politely, and taken back by Undo.
  await archive()
  await expect(toasts).toHaveCount(1)
  await expect(page.locator('[aria-live=assertive]').filter({ hasText: 'Brakes' })).toHaveCount(0)
  await expect.poll(archived).toBe(true)
  await toasts.hover()
  await expectAccessible(page)
  await toasts.getByRole('button', { name: 'Undo' }).click()
  await expect.poll(archived).toBe(false)

  // It stays eight seconds, and as long as the pointer or the focus rests on it, whatever went before.
  await page.clock.fastForward(9_000)
  await expect(toasts).toHaveCount(0)
  await archive()
  await expect(toasts).toHaveCount(1)
  await toasts.hover()
  await page.clock.fastForward(30_000)
  await expect(toasts).toHaveCount(1)
  await page.mouse.move(5, 5)
  await toasts.getByRole('button', { name: 'Undo' }).focus()
  await page.clock.fastForward(30_000)
  await expect(toasts).toHaveCount(1)
  await page.getByRole('heading', { level: 1 }).click()
  await page.clock.fastForward(9_000)
  await expect(toasts).toHaveCount(0)

  // Three at most.
  for (let n = 0; n < 5; n += 1) {
    await page.keyboard.press('ControlOrMeta+Shift+c')
    await expect(toasts).toHaveCount(Math.min(3, n + 1))
  }
  await expectAccessible(page)
})

/** Lets no answer of the server through until the function that it returns is called. */
async function holdServer(page: Page): Promise<() => Promise<void>> {
  const path = '**/api/**'
  let letGo = () => {}
  const held = new Promise<void>((resolve) => (letGo = resolve))
  await page.route(path, async (route) => {
    await held
    await route.continue()
  })
  return async () => {
    letGo()
    await page.unroute(path)
  }
}

test('a document is renamed in place, from its menu and by F2, and the names are undone in order', async ({
  page,
}) => {
  const project = await SampleProject.make()
  await project.document('Brakes', ['Hold'])
  await page.goto(`/p/${project.key}`)
  const list = page.getByRole('main')
  const row = list.getByRole('listitem').filter({ hasText: 'Brakes' })
  await row.getByRole('button').click()
  await page.getByRole('menuitem', { name: 'Rename' }).click()
  await expect(page.getByLabel('Rename “Brakes”')).toBeFocused()
  await page.keyboard.type('Brakes of trains')
  await page.keyboard.press('Enter')
  await expect(list.getByRole('link', { name: 'Brakes of trains' })).toBeFocused()
  await page.keyboard.press('F2')
  await page.keyboard.type('Train brakes')
  await page.keyboard.press('Enter')
  await expect(list.getByRole('link', { name: 'Train brakes' })).toBeFocused()
  await expectAccessible(page)

  // Pressed at once, without waiting for one to arrive before the next.
  await page.keyboard.press('ControlOrMeta+z')
  await page.keyboard.press('ControlOrMeta+z')
  await page.keyboard.press('ControlOrMeta+Shift+z')
  await expect(list.getByRole('link', { name: 'Brakes of trains' })).toBeVisible()
  await page.keyboard.press('ControlOrMeta+z')
  await expect(list.getByRole('link', { name: 'Brakes', exact: true })).toBeVisible()
})
