import { DocumentScreen } from './pages/document'
import { SampleProject } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

type Zone = 'before' | 'after' | 'child'
const HEIGHTS = { before: 0.1, child: 0.5, after: 0.9 }

for (const view of ['document', 'grid']) {
  test(`rows are dragged above, below and into others in the ${view}, and that is undone`, async ({
    page,
  }) => {
    const project = await SampleProject.make()
    const document = await project.document('Brakes', ['Hold', 'Release', 'Indicate', 'Store'])
    await signIn(page)
    const screen = new DocumentScreen(page)
    await screen.open(document, view === 'grid' ? { view } : {})

    const drag = async (from: string, to: string, zone: Zone): Promise<void> => {
      await screen.row(from).hover()
      await screen.row(from).locator('[data-grip]').hover()
      await page.mouse.down()
      const box = await screen.row(to).boundingBox()
      if (!box) throw new Error(`${to} is not on the page`)
      const [x, y] = [box.x + 200, box.y + box.height * HEIGHTS[zone]]
      await page.mouse.move(x, y - 3)
      await page.mouse.move(x, y)
      await expect(screen.row(to).locator('[data-drop]')).toHaveAttribute('data-drop', zone)
      await page.mouse.up()
      await expect(screen.grid.locator('[data-drop]')).toHaveCount(0)
      await screen.saved()
    }

    await drag('Store', 'Hold', 'before')
    await expect.poll(() => document.titles()).toEqual(['Store', 'Hold', 'Release', 'Indicate'])
    await screen.expectFocus('Store')
    await drag('Hold', 'Indicate', 'after')
    await expect.poll(() => document.titles()).toEqual(['Store', 'Release', 'Indicate', 'Hold'])
    await drag('Indicate', 'Store', 'child')
    // One commit each, taken back by its notice or by the keys. The notice stays while the pointer rests on it.
    const undo = page.getByRole('button', { name: 'Undo' }).last()
    await undo.hover()
    await expect.poll(() => document.titles()).toEqual(['Store', '  Indicate', 'Release', 'Hold'])
    await expect(screen.row('Indicate')).toHaveAttribute('aria-level', '2')
    await expectAccessible(page)
    await undo.click()
    await expect.poll(() => document.titles()).toEqual(['Store', 'Release', 'Indicate', 'Hold'])
  })
}

test('a selection is dragged as one, and nothing into itself', async ({ page }) => {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', ['# Holding', 'Hold', 'Release', 'Indicate', 'Store'])
  await signIn(page)
  const screen = new DocumentScreen(page)
  await screen.open(document)
  // A chapter cannot go below one of its own rows.
  await screen.row('Holding').hover()
  await screen.row('Holding').locator('[data-grip]').hover()
  await page.mouse.down()
  await screen.row('Release').hover()
  await expect(screen.grid.locator('[data-drop]')).toHaveCount(0)
  await page.mouse.up()

  await screen.focusRow('Indicate')
  await page.keyboard.press('x')
  await page.keyboard.press('j')
  await page.keyboard.press('x')
  await screen.row('Store').locator('[data-grip]').hover()
  await page.mouse.down()
  const box = await screen.row('Release').boundingBox()
  if (!box) throw new Error('the row is not on the page')
  await page.mouse.move(box.x + 200, box.y + 6)
  await page.mouse.move(box.x + 200, box.y + 4)
  await expect(screen.row('Release').locator('[data-drop]')).toHaveAttribute('data-drop', 'before')
  await page.mouse.up()
  await expect
    .poll(() => document.titles())
    .toEqual(['Holding', '  Hold', '  Indicate', '  Store', '  Release'])
})
