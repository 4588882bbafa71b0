import { type Page } from '@playwright/test'
import { DocumentScreen } from './pages/document'
import { api, SampleProject } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

const LINES = ['# Braking', 'Hold on a slope | The brake shall hold.', 'Release', '# Steering', 'Turn']

test.beforeEach(({ page }) => signIn(page))

test('convention 1: inline edit', async ({ page }) => {
  const project = await SampleProject.make()
  const count = await project.addAttribute('Count', 'Integer', 'x1')
  const force = await project.addAttribute('Force', 'Real', 'x2')
  const safe = await project.addAttribute('Safety relevant', 'Yes or no', 'x3')
  const due = await project.addAttribute('Due', 'Date', 'x4')
  const document = await project.document('Brakes', LINES)
  const screen = new DocumentScreen(page)
  await screen.open(document, { view: 'grid' })
  const key = (await screen.row('Hold on a slope').getAttribute('data-key')) ?? ''
  const read = async () => (await project.item(key)).attributes
  const edit = async (column: string) => (await screen.cell('Hold on a slope', column)).dblclick()

  // A text: F2 begins, Escape takes back, Enter begins and commits and goes down.
  const source = await screen.cell('Hold on a slope', 'Source')
  await source.click()
  await page.keyboard.press('F2')
  await page.keyboard.type('never kept')
  await page.keyboard.press('Escape')
  await expect(source).toBeFocused()
  await expect(source).toHaveText('')
  await page.keyboard.press('Enter')
  await page.keyboard.type('Test drivers')
  await page.keyboard.press('Enter')
  await expect(await screen.cell('Release', 'Source')).toBeFocused()
  await expect(source).toHaveText('Test drivers')

  // Numbers; Tab commits and goes right.
  await edit('Count')
  await page.keyboard.type('4')
  await page.keyboard.press('Tab')
  await expect(await screen.cell('Hold on a slope', 'Force')).toBeFocused()
  await page.keyboard.press('Enter')
  await page.keyboard.type('2.5')
  await page.keyboard.press('Enter')
  // Yes or no, a date, one value, several values.
  await edit('Safety relevant')
  await page.getByLabel('Safety relevant of', { exact: false }).selectOption({ label: 'Yes' })
  await page.keyboard.press('Enter')
  await edit('Due')
  await page.getByLabel('Due of', { exact: false }).fill('2027-03-01T12:30')
  await page.keyboard.press('Enter')
  await edit('Priority')
  await page.getByLabel('Priority of', { exact: false }).selectOption({ label: 'Must' })
  await page.keyboard.press('Enter')
  await edit('Verification')
  await page.getByRole('checkbox', { name: 'Test', exact: true }).check()
  await page.getByRole('checkbox', { name: 'Analysis' }).check()
  await page.keyboard.press('Enter')
  // Long text: Ctrl+Enter commits.
  await edit('Text')
  await expect(page.getByRole('textbox', { name: /Text of/ })).toBeFocused()
  await page.keyboard.press('End')
  await page.keyboard.type(' Always.')
  await expectAccessible(page)
  await page.keyboard.press('Control+Enter')
  await screen.saved()

  await expect.poll(read).toMatchObject({
    [project.attribute('Requirement', 'Source')]: 'Test drivers',
    [count]: '4',
    [force]: '2.5',
    [safe]: true,
    [project.attribute('Requirement', 'Priority')]: [project.value('Priority', 'Must')],
  })
  expect(String((await read())[due])).toContain('2027-03-01T12:30')
  const ways = (await read())[project.attribute('Requirement', 'Verification')] as string[]
  expect(ways).toHaveLength(2)
  expect((await project.item(key)).text).toContain('The brake shall hold. Always.')
  await expectAccessible(page)

  // In the document too, and a reload shows what was saved.
  await page.keyboard.press('v')
  await screen.focusRow('Release')
  await page.keyboard.press('Enter')
  await page.keyboard.type('It lets go.')
  await page.keyboard.press('Control+Enter')
  await screen.saved()
  await page.reload()
  await expect(screen.row('Release')).toContainText('It lets go.')
  await expectAccessible(page)
})

test('convention 4: optimistic with rollback and conflict', async ({ page }) => {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', LINES)
  const title = project.attribute('Requirement', 'Title')
  const screen = new DocumentScreen(page)
  await screen.open(document, { view: 'grid' })
  const key = (await screen.row('Release').getAttribute('data-key')) ?? ''
  const cell = page.locator(`[data-key="${key}"] [data-cell="0"]`)
  const rename = async (name: string, meanwhile?: string) => {
    await cell.dblclick()
    await expect(cell.getByRole('textbox')).toBeFocused()
    if (meanwhile) await project.change(key, { [title]: meanwhile })
    await page.keyboard.press('Control+a')
    await page.keyboard.type(name)
    await page.keyboard.press('Enter')
  }

  // Shown while the server still thinks about it.
  let answer = () => {}
  const wait = new Promise<void>((resolve) => (answer = resolve))
  await page.route('**/commits', async (route) => {
    await wait
    await route.continue()
  })
  await rename('Let go')
  await expect(cell).toHaveText('Let go')
  expect((await project.item(key)).title).toBe('Release')
  answer()
  await expect.poll(async () => (await project.item(key)).title).toBe('Let go')
  await page.unroute('**/commits')

  // A refusal takes it back and says why.
  await page.route('**/commits', (route) =>
    route.fulfill({
      status: 422,
      contentType: 'application/problem+json',
      body: JSON.stringify({ status: 422, code: 'value_invalid', detail: 'That is not allowed here.' }),
    }),
  )
  await rename('Forbidden')
  await expect(page.getByText('That is not allowed here.').first()).toBeVisible()
  await expect(cell).toHaveText('Let go')
  await page.unroute('**/commits')

  // A conflict asks: theirs first, then mine.
  await rename('Open', 'Set free')
  const dialog = page.getByRole('alertdialog')
  await expect(dialog).toContainText('Open')
  await expect(dialog).toContainText('Set free')
  await expectAccessible(page)
  expect((await project.item(key)).title).toBe('Set free')
  await dialog.getByRole('button', { name: 'Keep theirs' }).click()
  await expect(dialog).toHaveCount(0)
  await expect(cell).toHaveText('Set free')

  await rename('Open', 'Unclamp')
  await page.getByRole('alertdialog').getByRole('button', { name: 'Keep mine' }).click()
  await expect.poll(async () => (await project.item(key)).title).toBe('Open')
  await expect(cell).toHaveText('Open')
  await expectAccessible(page)
})

/** Loads the page anew, and waits until it knows what can be undone. */
async function reload(page: Page): Promise<void> {
  await page.reload({ waitUntil: 'networkidle' })
  await expect(page.getByRole('treegrid').getByRole('row').first()).toBeVisible()
}

test('convention 5: undo and redo survive a reload', async ({ page }) => {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', LINES)
  const screen = new DocumentScreen(page)
  await screen.open(document)
  const before = await document.titles()
  await screen.focusRow('Hold on a slope')
  await page.keyboard.press('Alt+Shift+ArrowDown')
  await expect
    .poll(() => document.titles())
    .toEqual(['Braking', '  Release', '  Hold on a slope', 'Steering', '  Turn'])
  await screen.focusRow('Turn')
  await page.keyboard.press('Delete')
  await expect(screen.row('Turn')).toHaveCount(0)
  await screen.saved()

  await reload(page)
  await page.keyboard.press('Control+z')
  await expect(screen.row('Turn')).toBeVisible()
  await page.keyboard.press('Control+z')
  await expect.poll(() => document.titles()).toEqual(before)
  await reload(page)
  await page.keyboard.press('Control+Shift+z')
  await expect.poll(async () => (await document.titles())[1]).toBe('  Release')
  await page.keyboard.press('Control+Shift+z')
  await expect(screen.row('Turn')).toHaveCount(0)
  await expectAccessible(page)
})

test('a document at an earlier version can be read and not written', async ({ page }) => {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', LINES)
  const { ref } = await api<{ ref: { seq: number } }>('GET', `/projects/${project.key}/schema`)
  await document.append(['Later'])
  const screen = new DocumentScreen(page)
  await screen.open(document, { at: String(ref.seq) })
  await expect(screen.row('Turn')).toBeVisible()
  await expect(screen.row('Later')).toHaveCount(0)
  await expect(screen.grid).toHaveAttribute('aria-readonly', 'true')
  await expect(page.getByRole('button', { name: 'New item' })).toHaveCount(0)
  await screen.focusRow('Turn')
  await page.keyboard.press('Enter')
  await expect(screen.grid.getByRole('textbox')).toHaveCount(0)
  await page.keyboard.press('Delete')
  await page.keyboard.press('c')
  await expect(screen.row('Turn')).toBeVisible()
  expect(await document.titles()).toHaveLength(6)
  await expectAccessible(page)
})

test('an empty document teaches how to fill it', async ({ page }) => {
  const project = await SampleProject.make()
  const document = await project.document('Nothing yet')
  await page.goto(document.path)
  await expect(page.getByRole('link', { name: 'Import a file' })).toBeVisible()
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Paste lines' }).click()
  await page.getByRole('textbox', { name: 'One requirement a line' }).fill('First\n\nSecond\nThird')
  await page.getByRole('button', { name: 'Make 3 requirements' }).click()
  await expect.poll(() => document.titles()).toEqual(['First', 'Second', 'Third'])
  await expect(new DocumentScreen(page).row('Third')).toBeVisible()
  await expectAccessible(page)
})
