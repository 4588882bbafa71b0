import { type Locator, type Page } from '@playwright/test'
import { Workbench } from './pages/workbench'
import { expect, expectAccessible, signIn, test } from './session'

const row = (page: Page, title: string): Locator =>
  page.getByRole('treegrid').getByRole('row').filter({ hasText: title })
const focusedRow = (page: Page): Locator =>
  page.locator('[role=row]:focus, [role=row]:has([role=gridcell]:focus)')

test.beforeEach(async ({ page }) => {
  await signIn(page)
})

test('convention 1: inline edit', async ({ page }) => {
  const bench = await Workbench.make(['Alpha', 'Beta', 'Gamma'])
  await bench.open(page, '?view=grid')
  await row(page, 'Alpha').getByRole('gridcell').first().click()
  await page.keyboard.press('Enter')
  await page.keyboard.type('Alpha two')
  await page.keyboard.press('Enter')
  // Enter takes the value and goes down.
  await expect(row(page, 'Alpha two')).toBeVisible()
  await expect(focusedRow(page)).toContainText('Beta')
  await page.keyboard.press('F2')
  await page.keyboard.type('Nothing of this')
  await page.keyboard.press('Escape')
  await expect(row(page, 'Beta')).toBeVisible()
  await expect(row(page, 'Nothing of this')).toHaveCount(0)
  // Tab takes the value and goes right.
  await row(page, 'Gamma').getByRole('gridcell').first().dblclick()
  await page.keyboard.type('Gamma two')
  await page.keyboard.press('Tab')
  await expect(page.locator('[role=gridcell]:focus')).toHaveAttribute('aria-colindex', '3')
  // An enumeration, by its name.
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('ArrowRight')
  await page.keyboard.press('Enter')
  await page.locator('select:focus').selectOption({ label: 'Approved' })
  await page.keyboard.press('Enter')
  await expect(row(page, 'Gamma two')).toContainText('Approved')
  // Long text: in the document, saved with Ctrl+Enter.
  await page.keyboard.press('v')
  await row(page, 'Beta').getByText('The text of Beta.').dblclick()
  await page.getByRole('textbox', { name: /Edit/ }).waitFor()
  await page.keyboard.type(' It goes on.')
  await page.keyboard.press('Control+Enter')
  await expect(row(page, 'Beta')).toContainText('The text of Beta. It goes on.')
  await expect(page.getByRole('dialog')).toHaveCount(0)
  await page.reload()
  await expect(row(page, 'Beta')).toContainText('It goes on.')
  await expect(row(page, 'Alpha two')).toBeVisible()
  await expectAccessible(page)
})

test('convention 2: keyboard treegrid', async ({ page }) => {
  const bench = await Workbench.make(['One', 'Two', 'Three', 'Four'])
  await bench.open(page)
  await row(page, 'One').click()
  await page.keyboard.press('j')
  await expect(focusedRow(page)).toContainText('Two')
  await page.keyboard.press('End')
  await expect(focusedRow(page)).toContainText('Four')
  await page.keyboard.press('Home')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('k')
  await expect(focusedRow(page)).toContainText('One')
  // Indent, move, outdent.
  await row(page, 'Two').click()
  await page.keyboard.press('Alt+Shift+ArrowRight')
  await expect.poll(() => bench.titles()).toEqual(['One', '  Two', 'Three', 'Four'])
  await expect(focusedRow(page)).toContainText('Two')
  await page.keyboard.press('Alt+Shift+ArrowLeft')
  await expect.poll(() => bench.titles()).toEqual(['One', 'Two', 'Three', 'Four'])
  await page.keyboard.press('Alt+Shift+ArrowDown')
  await expect.poll(() => bench.titles()).toEqual(['One', 'Three', 'Two', 'Four'])
  await expect(focusedRow(page)).toContainText('Two')
  // A sibling and a child.
  await page.keyboard.press('c')
  await page.locator('input:focus').waitFor()
  await page.keyboard.type('A sibling')
  await page.keyboard.press('Enter')
  await expect.poll(() => bench.titles()).toEqual(['One', 'Three', 'Two', 'A sibling', 'Four'])
  await row(page, 'Three').click()
  await page.keyboard.press('Shift+C')
  await page.locator('input:focus').waitFor()
  await page.keyboard.type('A child')
  await page.keyboard.press('Enter')
  await expect.poll(() => bench.titles()).toEqual(['One', 'Three', '  A child', 'Two', 'A sibling', 'Four'])
  // Fold and unfold.
  await row(page, 'Three').click()
  await page.keyboard.press('ArrowLeft')
  await expect(row(page, 'Three')).toHaveAttribute('aria-expanded', 'false')
  await expect(row(page, 'A child')).toHaveCount(0)
  await page.keyboard.press('ArrowRight')
  await expect(row(page, 'A child')).toBeVisible()
  // Selection, and one tab stop.
  await row(page, 'One').click()
  await page.keyboard.press('x')
  await page.keyboard.press('Shift+ArrowDown')
  await expect(page.getByRole('row', { selected: true })).toHaveCount(2)
  await expect(page.locator('[role=treegrid] [tabindex="0"]')).toHaveCount(1)
  await page.keyboard.press('?')
  await expect(page.getByRole('dialog')).toContainText('New item below')
  await expectAccessible(page)
})

test('convention 4: optimistic with rollback and conflict', async ({ page }) => {
  const bench = await Workbench.make(['Mine', 'Other'])
  await bench.open(page, '?view=grid')
  const edit = async (from: string, to: string): Promise<void> => {
    await row(page, from).getByRole('gridcell').first().dblclick()
    await page.keyboard.press('Control+A')
    await page.keyboard.type(to)
    await page.keyboard.press('Enter')
  }
  // Shown at once, though the server takes its time.
  await page.route('**/commits', async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 800))
    await route.continue()
  })
  await edit('Mine', 'Mine at once')
  await expect(row(page, 'Mine at once')).toBeVisible({ timeout: 300 })
  await page.unroute('**/commits')
  await expect.poll(() => bench.titles()).toContain('Mine at once')
  // A refusal takes it back and says why.
  await page.route('**/commits', (route) =>
    route.fulfill({
      status: 422,
      contentType: 'application/problem+json',
      body: JSON.stringify({ code: 'write_invalid', title: 'No', detail: 'The server does not want this.' }),
    }),
  )
  await edit('Other', 'Refused')
  await expect(page.getByText('The server does not want this.').first()).toBeVisible()
  await expect(row(page, 'Refused')).toHaveCount(0)
  await expect(row(page, 'Other')).toBeVisible()
  await page.unroute('**/commits')
  // Somebody else changes the same: base, mine and theirs, and a choice.
  const key = (await row(page, 'Mine at once').getByRole('rowheader').textContent()) ?? ''
  await bench.retitle(key, 'Theirs')
  await edit('Mine at once', 'Mine again')
  const conflict = page.getByRole('alertdialog')
  await expect(conflict).toContainText('Mine at once')
  await expect(conflict).toContainText('Theirs')
  await expect(conflict).toContainText('again')
  await expectAccessible(page)
  await conflict.getByRole('button', { name: 'Keep mine' }).click()
  await expect.poll(() => bench.titles()).toContain('Mine again')
  await expect(row(page, 'Mine again')).toBeVisible()
})

test('convention 5: undo and redo survive a reload', async ({ page }) => {
  const bench = await Workbench.make(['First', 'Second'])
  await bench.open(page)
  await row(page, 'First').click()
  await page.keyboard.press('Alt+Shift+ArrowDown')
  await expect.poll(() => bench.titles()).toEqual(['Second', 'First'])
  await page.keyboard.press('Delete')
  await expect.poll(() => bench.titles()).toEqual(['Second'])
  await page.reload()
  await row(page, 'Second').click()
  await page.keyboard.press('Control+z')
  await expect.poll(() => bench.titles()).toEqual(['Second', 'First'])
  await expect(row(page, 'First')).toBeVisible()
  await page.keyboard.press('Control+z')
  await expect.poll(() => bench.titles()).toEqual(['First', 'Second'])
  await page.keyboard.press('Control+Shift+z')
  await expect.poll(() => bench.titles()).toEqual(['Second', 'First'])
  await expectAccessible(page)
})

test('convention 6: deep links', async ({ page, context }) => {
  const bench = await Workbench.make(Array.from({ length: 60 }, (_, at) => `Entry ${at + 1}`))
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await bench.open(page)
  await row(page, 'Entry 1').first().click()
  await page.keyboard.press('PageDown')
  await page.keyboard.press('Space')
  await expect(page).toHaveURL(/item=E\w+-11.*panel=details|panel=details.*item=E\w+-11/)
  await page.getByText('History', { exact: true }).last().click()
  await expect(page).toHaveURL(/panel=history/)
  await page.keyboard.press('Control+Shift+C')
  const link = await page.evaluate(() => navigator.clipboard.readText())
  expect(link).toMatch(/item=E\w+-11/)
  const address = page.url()
  // The address alone brings everything back.
  await page.goto('/')
  await page.goto(address)
  await expect(row(page, 'Entry 11')).toBeVisible()
  await expect(page.getByRole('complementary').filter({ hasText: 'Entry 11' })).toContainText('Version')
  await page.goto(link)
  await expect(focusedRow(page)).toContainText('Entry 11')
  // Back goes back.
  await page.keyboard.press('v')
  await expect(page).toHaveURL(/view=grid/)
  await page.goBack()
  await expect(page).not.toHaveURL(/view=grid/)
  await expectAccessible(page)
})

test('find and print reach rows outside the window', async ({ page }) => {
  const titles = Array.from({ length: 400 }, (_, at) =>
    at === 390 ? 'A needle in the hay' : `Entry ${at + 1}`,
  )
  const bench = await Workbench.make(titles)
  await page.addInitScript(() => {
    window.print = () => {
      const shown = document.querySelectorAll('#print-view section').length
      document.documentElement.dataset.printed = String(shown)
      window.dispatchEvent(new Event('afterprint'))
    }
  })
  await bench.open(page)
  await row(page, 'Entry 1').first().click()
  await expect(row(page, 'A needle in the hay')).toHaveCount(0)
  await page.keyboard.press('Control+f')
  await page.getByRole('searchbox').fill('needle')
  await expect(page.getByText('1 of 1')).toBeVisible()
  await expect(row(page, 'A needle in the hay')).toBeVisible()
  await page.getByRole('searchbox').fill('Entry 12')
  await expect(page.getByText(/1 of \d+/)).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(page.getByText(/2 of \d+/)).toBeVisible()
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await expect(page.getByRole('searchbox')).toHaveCount(0)
  await page.keyboard.press('Control+p')
  await expect(page.locator('html')).toHaveAttribute('data-printed', '400')
  await expect(page.locator('#print-view')).toHaveCount(0)
})

test('picture upload and paste from Word', async ({ page, context }) => {
  const bench = await Workbench.make(['With a picture'])
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await bench.open(page)
  await row(page, 'With a picture').getByText('The text of').dblclick()
  const editor = page.getByRole('textbox', { name: /Edit/ })
  await editor.waitFor()
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page.getByRole('button', { name: 'Picture' }).click(),
  ])
  const png =
    'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR4nGNgYPiPB41Kj4hQAwBS2GOdSnWVKwAAAABJRU5ErkJggg=='
  await chooser.setFiles({ name: 'dot.png', mimeType: 'image/png', buffer: Buffer.from(png, 'base64') })
  await expect(editor.locator('img')).toHaveAttribute('data-path', /^media\//)
  await editor.evaluate((element) => {
    const data = new DataTransfer()
    data.setData(
      'text/html',
      `<html><body><!--StartFragment--><p class=MsoNormal style='margin:0cm'>Pasted <b>bold</b><o:p></o:p></p>
       <table class=MsoTableGrid><tr><td style='border:solid'><p class=MsoNormal>a cell</p></td></tr></table>
       <!--EndFragment--></body></html>`,
    )
    element.dispatchEvent(
      new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }),
    )
  })
  await expect(editor).toContainText('Pasted bold')
  await page.keyboard.press('Control+Enter')
  const shown = row(page, 'With a picture')
  await expect(shown.locator('img')).toHaveJSProperty('complete', true)
  await expect(shown.locator('img')).not.toHaveJSProperty('naturalWidth', 0)
  await expect(shown.locator('td')).toContainText('a cell')
  await expect(shown.locator('b, strong')).toContainText('bold')
  expect(await shown.innerHTML()).not.toMatch(/Mso|mso-/)
  await expectAccessible(page)
})
