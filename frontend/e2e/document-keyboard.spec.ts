import { DocumentScreen } from './pages/document'
import { SampleProject } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

const LINES = ['# Braking', 'Hold', 'Release', 'Warn', '# Steering', 'Turn']

test.beforeEach(({ page }) => signIn(page))

test('convention 2: keyboard treegrid', async ({ page }) => {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', LINES)
  const screen = new DocumentScreen(page)
  const press = (keys: string) => page.keyboard.press(keys)
  await screen.open(document)
  expect(await screen.tabStops()).toBe(1)
  await screen.focusRow('Braking')

  // Walking, folding and unfolding.
  await press('ArrowDown')
  await screen.expectFocus('Hold')
  await press('j')
  await screen.expectFocus('Release')
  await press('k')
  await screen.expectFocus('Hold')
  await press('End')
  await screen.expectFocus('Turn')
  await press('Home')
  await screen.expectFocus('Braking')
  await press('PageDown')
  await screen.expectFocus('Turn')
  await press('PageUp')
  await screen.expectFocus('Braking')
  await expect(screen.row('Braking')).toHaveAttribute('aria-expanded', 'true')
  await press('ArrowLeft')
  await expect(screen.row('Braking')).toHaveAttribute('aria-expanded', 'false')
  await expect(screen.row('Hold')).toHaveCount(0)
  await press('ArrowRight')
  await expect(screen.row('Hold')).toBeVisible()
  await press('ArrowRight')
  await screen.expectFocus('Hold')
  await press('ArrowLeft')
  await screen.expectFocus('Braking')

  // Moving and indenting; the focus goes along.
  await press('ArrowDown')
  await press('Alt+Shift+ArrowDown')
  await expect.poll(async () => (await document.titles())[2]).toBe('  Hold')
  await screen.expectFocus('Hold')
  await press('Alt+Shift+ArrowRight')
  await expect.poll(async () => (await document.titles())[2]).toBe('    Hold')
  await expect(screen.row('Hold')).toHaveAttribute('aria-level', '3')
  await screen.expectFocus('Hold')
  await press('Alt+Shift+ArrowLeft')
  await expect.poll(async () => (await document.titles())[2]).toBe('  Hold')
  await press('Alt+Shift+ArrowUp')
  await expect
    .poll(() => document.titles())
    .toEqual(['Braking', '  Hold', '  Release', '  Warn', 'Steering', '  Turn'])
  await screen.expectFocus('Hold')

  // A sibling, and a child.
  await press('c')
  await expect(screen.grid.getByRole('textbox')).toBeFocused()
  await page.keyboard.type('Hold longer')
  await press('Enter')
  await expect(screen.row('Hold longer')).toBeVisible()
  await expect.poll(async () => (await document.titles())[2]).toBe('  Hold longer')
  await screen.focusRow('Hold longer')
  await press('Shift+C')
  await expect(screen.grid.getByRole('textbox')).toBeFocused()
  await page.keyboard.type('For a day')
  await press('Enter')
  await expect.poll(async () => (await document.titles())[3]).toBe('    For a day')

  // Selecting one and a range; deleting them; taking it back.
  await screen.focusRow('Release')
  await press('x')
  await expect(screen.row('Release')).toHaveAttribute('aria-selected', 'true')
  await press('Shift+ArrowDown')
  await expect(screen.row('Warn')).toHaveAttribute('aria-selected', 'true')
  await expect(page.getByRole('toolbar', { name: 'Selected items' })).toContainText('2')
  await expectAccessible(page)
  await press('Delete')
  await expect(screen.row('Release')).toHaveCount(0)
  await expect(screen.row('Warn')).toHaveCount(0)
  await screen.saved()
  await press('Control+z')
  await expect(screen.row('Warn')).toBeVisible()
  await press('Control+Shift+z')
  await expect(screen.row('Warn')).toHaveCount(0)

  // The focus stays with its row when somebody else's rows come in above it.
  await screen.focusRow('Turn')
  await project.commit([
    {
      op: 'create',
      kind: 'item',
      id: '0192d000-0000-7000-8000-000000000001',
      fields: {
        type_id: project.type('Heading').id,
        attributes: { [project.attribute('Heading', 'Title')]: 'Foreword' },
      },
    },
    {
      op: 'create',
      kind: 'placement',
      fields: { item_id: '0192d000-0000-7000-8000-000000000001' },
      position: { document_id: document.id, first: true },
    },
  ])
  await press('Alt+Shift+ArrowLeft')
  await expect(screen.row('Foreword')).toBeVisible()
  await screen.expectFocus('Turn')
  await expectAccessible(page)
})

test('the grid is walked cell by cell, with one tab stop', async ({ page }) => {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', LINES)
  const screen = new DocumentScreen(page)
  await screen.open(document)
  await screen.focusRow('Hold')
  await page.keyboard.press('v')
  await expect(screen.grid.getByRole('columnheader', { name: 'Status' })).toBeVisible()
  await (await screen.cell('Hold', 'Title')).click()
  await page.keyboard.press('ArrowRight')
  await expect(await screen.cell('Hold', 'Text')).toBeFocused()
  await page.keyboard.press('ArrowDown')
  await expect(await screen.cell('Release', 'Text')).toBeFocused()
  await page.keyboard.press('End')
  await expect(await screen.cell('Release', 'Expected result')).toBeFocused()
  await page.keyboard.press('Home')
  await expect(await screen.cell('Release', 'Title')).toBeFocused()
  await page.keyboard.press('Control+End')
  await expect(await screen.cell('Turn', 'Title')).toBeFocused()
  expect(await screen.tabStops()).toBe(1)
  const [grid, whole] = [await screen.grid.boundingBox(), page.viewportSize()]
  expect((grid?.width ?? 0) / (whole?.width ?? 1)).toBeGreaterThan(0.55)
  await expectAccessible(page)
})
