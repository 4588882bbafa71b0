import { Workbench } from './pages/workbench'
import { expect, expectAccessible, signIn, test } from './session'

const MOST_ROWS = 200

for (const count of [5_000, 50_000]) {
  test(`a document of ${count} items keeps at most ${MOST_ROWS} rows in the page`, async ({ page }) => {
    test.setTimeout(300_000)
    const path = await Workbench.large(count)
    await signIn(page)
    await page.goto(path)
    const rows = page.getByRole('treegrid').getByRole('row')
    await rows.first().waitFor()
    const most = async (): Promise<void> => expect(await rows.count()).toBeLessThanOrEqual(MOST_ROWS)
    await rows.first().click()
    await most()
    for (const key of ['PageDown', 'PageDown', 'End', 'PageUp']) {
      await page.keyboard.press(key)
      await most()
    }
    await page.keyboard.press('End')
    await expect(page.locator('[role=row]:focus')).toContainText(`Requirement ${count - 1}`)
    await page.getByRole('treegrid').evaluate((grid) => grid.scrollTo(0, grid.scrollHeight / 2))
    await expect(rows.filter({ hasText: /Requirement|Chapter/ }).first()).toBeVisible()
    await most()
    await page.keyboard.press('v')
    await expect(page.getByRole('columnheader').first()).toBeVisible()
    await most()
    await expectAccessible(page)
  })
}
