import { DocumentScreen } from './pages/document'
import { api, SampleProject } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

// The machine may be busy: the story goes through many screens.
test.describe.configure({ timeout: 180_000 })
test.beforeEach(({ page }) => signIn(page))

test('a branch is made, edited on both sides, updated by choice, merged, and compared with a baseline', async ({
  page,
}) => {
  const project = await SampleProject.make()
  const source = project.attribute('Requirement', 'Source')
  const document = await project.document('Brakes', [
    'Hold | The brake shall hold for <b>10</b> minutes on a slope.',
    'Release',
  ])
  const screen = new DocumentScreen(page)
  const text = project.attribute('Requirement', 'Text')
  const write = (item: string, value: string, branch: string, attribute = source) =>
    api('PATCH', `/projects/${project.key}/items/${item}?branch=${branch}`, {
      attributes: { [attribute]: value },
    })
  const read = async (item: string, at: string, attribute = source) =>
    (
      await api<{ item: { attributes: Record<string, unknown> } }>(
        'GET',
        `/projects/${project.key}/items/${item}?at=${encodeURIComponent(at)}`,
      )
    ).item.attributes[attribute]

  // An agreed version, and a branch.
  await page.goto(`/p/${project.key}/baselines`)
  await expect(page.getByText('No baselines yet')).toBeVisible()
  await expectAccessible(page)
  await page.getByLabel('Name of the new baseline').fill('Agreed')
  await page.getByRole('button', { name: 'New baseline' }).click()
  await expect(page.getByTestId('baseline')).toContainText('Agreed')
  await expect(page.getByTestId('baseline')).toContainText('sealed', { timeout: 20_000 })
  await expect(page.getByTestId('baseline')).toContainText('Root ')
  await page.getByRole('button', { name: 'Verify' }).click()
  await expect(page.getByTestId('verified')).toContainText('Agrees, verified ')
  await expectAccessible(page)
  await page.goto(`/p/${project.key}/branches`)
  await expect(page.getByText('Work on a branch')).toBeVisible()
  await page.getByLabel('Name of the new branch').fill('winter')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/at=winter/)
  await expect(page.getByTestId('time-travel')).toContainText('You are on the branch “winter”')

  // What is typed there is written there.
  await screen.open(document, { view: 'grid', at: 'winter' })
  const key = (await screen.row('Hold').getAttribute('data-key')) ?? ''
  const other = (await screen.row('Release').getAttribute('data-key')) ?? ''
  const cell = await screen.cell('Hold', 'Source')
  await expect(cell).toHaveAttribute('aria-readonly', 'false')
  await cell.click()
  await page.keyboard.press('Enter')
  await page.keyboard.type('Snow drivers')
  await page.keyboard.press('Enter')
  await expect(cell).toHaveText('Snow drivers')
  await expectAccessible(page)
  await expect.poll(() => read(key, 'winter')).toBe('Snow drivers')
  expect(await read(key, 'main')).toBeFalsy()
  await page.keyboard.press('ControlOrMeta+z')
  await expect.poll(() => read(key, 'winter')).toBeFalsy()
  await page.keyboard.press('ControlOrMeta+Shift+z')
  await expect.poll(() => read(key, 'winter')).toBe('Snow drivers')

  // Both sides differ: the update asks.
  await write(key, 'Test bench', 'main')
  await write(other, 'Law', 'main')
  await write(key, '<p>The brake shall hold for <b>20</b> minutes on any slope.</p>', 'winter', text)
  await write(key, '<p>The brake shall hold for <b>30</b> minutes on a dry slope.</p>', 'main', text)
  await page.goto(`/p/${project.key}/branches`)
  const row = page.getByTestId('branch').filter({ hasText: 'winter' })
  await expect(row).toContainText('behind main')
  await expectAccessible(page)
  await row.getByRole('link', { name: 'Update: winter' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Update “winter” from “main”')
  await expect(page.getByTestId('left')).toHaveText('2 left to be chosen')
  await expect(page.getByRole('region', { name: 'To be chosen' })).toContainText('Test bench')
  await expect(page.getByTestId('compare-entry').first()).toBeVisible()
  await expectAccessible(page)
  await page.getByRole('article', { name: /Source$/ }).focus()
  await page.keyboard.press('1')
  await expect(page.getByTestId('left')).toHaveText('1 left to be chosen')

  // Of the text, words are chosen: the minutes from main, the slope from the branch.
  await page.getByRole('article', { name: /Text$/ }).focus()
  await page.keyboard.press('w')
  await expect(page.getByTestId('piece')).toHaveCount(2)
  await page.keyboard.press('2')
  await expect(page.getByTestId('words-result')).toContainText(/hold for 30 minutes on … ?slope\./)
  await expectAccessible(page)
  await page.keyboard.press('Tab')
  await page.keyboard.press('1')
  await expect(page.getByTestId('words-result')).toContainText('hold for 30 minutes on any slope.')
  await expect(page.getByTestId('left')).toHaveText('Everything is chosen.')
  await page.getByRole('button', { name: 'Update', exact: true }).click()
  await expect(page).toHaveURL(/branches$/)
  expect(await read(key, 'winter')).toBe('Snow drivers')
  expect(await read(other, 'winter')).toBe('Law')
  expect(await read(key, 'winter', text)).toContain('<b>30</b> minutes on any slope.')

  // The merge brings it to main; the branch can be closed.
  await row.getByRole('link', { name: 'Merge: winter' }).click()
  await expect(page.getByTestId('compare-entry').first()).toContainText('Snow drivers')
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Merge', exact: true }).click()
  await expect(page).toHaveURL(/branches$/)
  await expect.poll(() => read(key, 'main')).toBe('Snow drivers')
  await row.getByRole('button', { name: 'Actions for winter' }).click()
  await page.getByRole('menuitem', { name: 'Close' }).click()
  await expect(row).toBeHidden()
  await page.getByText('Show closed ones').click()
  await expect(row).toContainText('merged')

  // The agreed version still says what it said.
  await page.goto(`/p/${project.key}/baselines`)
  await page.getByRole('link', { name: 'Compare with now: Agreed' }).click()
  await expect(page.getByTestId('compare-entry')).toHaveCount(2)
  await expect(page.getByTestId('compare-entry').filter({ hasText: 'Snow drivers' })).toBeVisible()
  await expectAccessible(page)
  expect(await read(key, 'Agreed')).toBeFalsy()
  await page.goto(`/p/${project.key}/i/${key}?at=Agreed`)
  await expect(page.getByTestId('time-travel')).toContainText('read-only')
  await expectAccessible(page)

  // And it comes back, as a new version that can be undone.
  await page.getByRole('button', { name: 'Restore this item' }).click()
  await expect(page.getByRole('dialog').getByTestId('compare-entry')).toContainText('Snow drivers')
  await expectAccessible(page)
  await page.getByRole('dialog').getByRole('button', { name: 'Restore', exact: true }).click()
  await expect(page).not.toHaveURL(/at=/)
  await expect(page.getByTestId('time-travel')).toBeHidden()
  expect(await read(key, 'main')).toBeFalsy()
  expect(await read(key, 'main', text)).toContain('<b>10</b> minutes on a slope.')
  await page.getByRole('button', { name: 'Undo', exact: true }).first().click()
  await expect.poll(() => read(key, 'main')).toBe('Snow drivers')
  await expectAccessible(page)
})

test('a branch is renamed, and the palette goes to branches and baselines', async ({ page }) => {
  const project = await SampleProject.make()
  await api('POST', `/projects/${project.key}/branches`, { name: 'idea' })
  await api('POST', `/projects/${project.key}/baselines`, { name: 'Delivery 1' })
  await page.goto(`/p/${project.key}/branches`)
  await page.getByRole('button', { name: 'Actions for idea' }).click()
  await page.getByRole('menuitem', { name: 'Rename' }).click()
  await page.getByLabel('New name of idea').fill('proposal')
  await page.keyboard.press('Enter')
  await expect(page.getByTestId('branch').filter({ hasText: 'proposal' })).toBeVisible()
  await expectAccessible(page)

  await page.keyboard.press('ControlOrMeta+k')
  await page.getByRole('combobox').fill('switch proposal')
  await expect(page.getByRole('option', { name: 'Switch to proposal' })).toHaveAttribute(
    'aria-selected',
    'true',
  )
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/at=proposal/)
  await page.keyboard.press('ControlOrMeta+k')
  await page.getByRole('combobox').fill('delivery')
  await expect(page.getByRole('option', { name: 'Look at Delivery 1' })).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/at=Delivery/)
})

test('the branch menu tells where one is, goes to another branch with the same page, and makes one', async ({
  page,
}) => {
  const project = await SampleProject.make()
  for (const n of [1, 2, 3, 4, 5, 6, 7]) {
    await api('POST', `/projects/${project.key}/branches`, { name: `idea ${n}` })
  }
  await project.document('Brakes', ['Hold'])
  const asked: string[] = []
  page.on('request', (request) => {
    if (/\/branches$/.test(new URL(request.url()).pathname)) asked.push(request.url())
  })
  const menu = page.getByTestId('branch-menu')
  await page.goto(`/p/${project.key}/history`)
  await expect(menu).toHaveText('main')
  await expect(page.getByRole('checkbox', { name: /^Pick version/ }).first()).toBeVisible()
  expect(asked).toEqual([])

  // By keyboard: open, filter, choose. The page stays.
  await page.keyboard.press('b')
  await expect(page.getByRole('option', { name: /^main/ })).toHaveAttribute('aria-current', 'true')
  await expect(page.getByRole('option', { name: /^idea 3.*0 ahead, 2 behind main/ })).toBeVisible()
  await expectAccessible(page)
  await page.keyboard.type('idea 5')
  await expect(page.getByRole('option')).toHaveCount(1)
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/history\?at=idea(\+|%20)5$/)
  await expect(menu).toHaveText('idea 5')

  // A version of the past is named with its branch; a branch starts from it.
  await page.goto(`/p/${project.key}/history?at=1`)
  await expect(menu).toHaveText('version 1 of main')
  await menu.click()
  await page.getByRole('option', { name: 'New branch from here' }).click()
  await expect(page.getByRole('dialog', { name: 'New branch from here' })).toContainText('version 1 of main')
  await expectAccessible(page)
  await page.getByLabel('Name of the new branch').fill('idea 1')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog').getByText(/idea 1/)).toBeVisible()
  await page.getByLabel('Name of the new branch').fill('from two')
  await page.keyboard.press('Enter')
  await expect(page).toHaveURL(/history\?at=from(\+|%20)two$/)
  await expect(menu).toHaveText('from two')
  await expect(page.getByRole('dialog')).toHaveCount(0)

  // On a narrow page it stands in the bar.
  await page.setViewportSize({ width: 400, height: 800 })
  await menu.click()
  await page.getByRole('option', { name: 'Baselines' }).click()
  await expect(page).toHaveURL(/baselines\?at=from/)
})

test('a chapter of an older version comes back with what stood below it, as one version that can be undone', async ({
  page,
}) => {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', ['# Parking', 'Hold', '# Service', 'Slow down'])
  await api('POST', `/projects/${project.key}/baselines`, { name: 'Agreed' })
  const screen = new DocumentScreen(page)
  await screen.open(document)
  await screen.focusRow('Parking')
  await page.keyboard.press('Delete')
  await expect.poll(() => document.titles()).toHaveLength(2)

  await screen.open(document, { at: 'Agreed' })
  await screen.focusRow('Parking')
  await page.keyboard.press('x')
  await page.getByRole('button', { name: 'Restore this here' }).click()
  const dialog = page.getByRole('dialog', { name: 'Restore Parking with all below it' })
  await expect(dialog.getByTestId('compare-entry').filter({ hasText: 'Hold' })).toBeVisible()
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  expect(await document.titles()).toHaveLength(2)

  await screen.focusRow('Parking')
  await page.keyboard.press('r')
  await dialog.getByLabel('Message').fill('Parking is needed after all')
  await page.keyboard.press('Enter')
  await expect(page).not.toHaveURL(/at=/)
  await expect(screen.row('Hold')).toBeVisible()
  expect(await document.titles()).toHaveLength(4)
  const { commits } = await api<{ commits: { message: string; kind: string }[] }>(
    'GET',
    `/projects/${project.key}/commits?limit=1`,
  )
  expect(commits[0]).toMatchObject({ message: 'Parking is needed after all', kind: 'restore' })
  await page.getByRole('button', { name: 'Undo', exact: true }).first().click()
  await expect.poll(() => document.titles()).toHaveLength(2)
})

test('a branch is protected and opened again, and discarded with what was never merged', async ({ page }) => {
  const project = await SampleProject.make()
  await project.document('Brakes', ['Hold'])
  await api('POST', `/projects/${project.key}/branches`, { name: 'spring' })
  await api('POST', `/projects/${project.key}/documents?branch=spring`, { title: 'Never merged' })
  await page.goto(`/p/${project.key}/branches`)
  const row = page.getByTestId('branch').filter({ hasText: 'spring' })
  const choose = async (name: string) => {
    await row.getByRole('button', { name: 'Actions for spring' }).click()
    await page.getByRole('menuitem', { name }).click()
  }
  await choose('Let only owners write')
  await expect(row).toContainText('protected')
  await expectAccessible(page)
  await choose('Let every editor write')
  await expect(row).not.toContainText('protected')

  // What is ahead cannot be closed as merged; it can be discarded, and be read for ever.
  await expect(row).toContainText('1 ahead')
  await row.getByRole('button', { name: 'Actions for spring' }).click()
  await expect(page.getByRole('menuitem', { name: 'Close' })).toBeDisabled()
  await page.keyboard.press('Escape')
  await choose('Discard')
  await expect(row).toBeHidden()
  await page.getByText('Show closed ones').click()
  await expect(row).toContainText('discarded')
  await row.getByRole('link', { name: 'spring' }).click()
  await expect(page.getByTestId('time-travel')).toContainText('read-only')
  await expect(page.getByRole('link', { name: 'Never merged' }).first()).toBeVisible()
})
