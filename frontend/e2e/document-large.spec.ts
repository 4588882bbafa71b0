import { DocumentScreen } from './pages/document'
import { largeReqif, titleOf } from './reqif'
import { SampleProject } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

const MOST_ROWS = 200

for (const count of [5_000, 50_000]) {
  const amount = count.toLocaleString('en')
  test(`a document of ${amount} items keeps at most ${MOST_ROWS} rows`, async ({ page }) => {
    test.setTimeout(300_000)
    const project = await SampleProject.make()
    await project.importReqif('large.reqif', largeReqif(count))
    const document = await project.firstDocument()
    await signIn(page)
    const screen = new DocumentScreen(page)
    const began = Date.now()
    await screen.open(document, {}, 30_000)
    await expect(screen.row(titleOf(2)).first()).toBeVisible()
    test.info().annotations.push({ type: 'first rows', description: `${Date.now() - began} ms` })
    const most = async (): Promise<void> =>
      expect(await screen.grid.getByRole('row').count()).toBeLessThanOrEqual(MOST_ROWS)
    await most()

    await screen.focusRow(titleOf(2))
    for (const key of ['PageDown', 'PageDown', 'PageUp']) {
      await page.keyboard.press(key)
      await most()
    }
    await page.keyboard.press('End')
    await screen.expectFocus(titleOf(count))
    await most()
    await page.keyboard.press('Home')
    await screen.expectFocus('Chapter 1')
    // Far away rows are read when they are scrolled to; the one with the focus is still where it was.
    await screen.grid.evaluate((grid) => grid.scrollTo(0, grid.scrollHeight / 2))
    await expect(screen.row('Brake function').first()).toBeVisible()
    await most()
    await page.keyboard.press('ArrowDown')
    await screen.expectFocus(titleOf(2))

    // An edit in the last row is saved.
    await page.keyboard.press('v')
    await expect(screen.grid.getByRole('columnheader', { name: 'Title' })).toBeVisible()
    await most()
    await (await screen.cell(titleOf(2), 'Title')).click()
    await page.keyboard.press('Control+End')
    await screen.expectFocus(titleOf(count))
    await page.keyboard.press('Enter')
    await page.keyboard.type('The last of all')
    await page.keyboard.press('Enter')
    await expect(screen.row('The last of all')).toBeVisible()
    await screen.saved()
    await most()
    await expectAccessible(page)
  })
}
