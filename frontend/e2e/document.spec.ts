import { DocumentScreen } from './pages/document'
import { SampleProject } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

test.beforeEach(({ page }) => signIn(page))

test('convention 6: deep links', async ({ page, context }) => {
  const project = await SampleProject.make()
  const document = await project.document(
    'Brakes',
    Array.from({ length: 60 }, (_, at) => `Entry ${at + 1}`),
  )
  const screen = new DocumentScreen(page)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  await screen.open(document)
  await screen.focusRow('Entry 1')
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
  await expect(screen.row('Entry 11')).toBeVisible()
  await expect(screen.panel).toContainText('Entry 11')
  await expect(screen.panel).toContainText('Version')
  await page.goto(link)
  await screen.expectFocus('Entry 11')
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
  const project = await SampleProject.make()
  const sample = await project.document('Brakes', titles)
  const screen = new DocumentScreen(page)
  await page.addInitScript(() => {
    window.print = () => {
      const shown = document.querySelectorAll('#print-view section').length
      document.documentElement.dataset.printed = String(shown)
      window.dispatchEvent(new Event('afterprint'))
    }
  })
  await screen.open(sample)
  await screen.focusRow('Entry 1')
  await expect(screen.row('A needle in the hay')).toHaveCount(0)
  await page.keyboard.press('Control+f')
  await page.getByRole('searchbox').fill('needle')
  await expect(page.getByText('1 of 1')).toBeVisible()
  await expect(screen.row('A needle in the hay')).toBeVisible()
  await page.getByRole('searchbox').fill('Entry 12')
  await expect(page.getByText('1 of 11')).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(page.getByText('2 of 11')).toBeVisible()
  await expect(screen.row('Entry 120')).toBeVisible()
  await page.keyboard.press('Shift+Enter')
  await expect(page.getByText('1 of 11')).toBeVisible()
  // The browser marks the words in the rows that are in the page.
  await expect
    .poll(() => page.evaluate(() => CSS.highlights.get('document-find')?.size ?? 0))
    .toBeGreaterThan(0)
  await expectAccessible(page)
  // The search is in the address: it is there again, with its marks.
  await expect(page).toHaveURL(/find=Entry/)
  await page.reload()
  await expect(page.getByText('1 of 11')).toBeVisible()
  await expect
    .poll(() => page.evaluate(() => CSS.highlights.get('document-find')?.size ?? 0))
    .toBeGreaterThan(0)
  await page.keyboard.press('Escape')
  await expect(page.getByRole('searchbox')).toHaveCount(0)
  await page.keyboard.press('Control+p')
  await expect(page.locator('html')).toHaveAttribute('data-printed', '400')
  await expect(page.locator('#print-view')).toHaveCount(0)
})

test('picture upload and paste from Word', async ({ page }) => {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', ['With a picture | The text of it.'])
  const screen = new DocumentScreen(page)
  await screen.open(document)
  await screen.row('With a picture').getByText('The text of').dblclick()
  const editor = page.getByRole('textbox', { name: /Edit/ })
  await editor.waitFor()
  const [chooser] = await Promise.all([
    page.waitForEvent('filechooser'),
    page.getByRole('button', { name: 'Picture' }).click(),
  ])
  const png =
    'iVBORw0KGgoAAAANSUhEUgAAAAoAAAAKCAIAAAACUFjqAAAAEklEQVR4nGNgYPiPB41Kj4hQAwBS2GOdSnWVKwAAAABJRU5ErkJggg=='
  await chooser.setFiles({ name: 'dot.png', mimeType: 'image/png', buffer: Buffer.from(png, 'base64') })
  await expect(editor.locator('img[data-path]')).toHaveAttribute('data-path', /^media\//)
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
  // A picture from the clipboard, and one that is dropped.
  for (const kind of ['paste', 'drop']) {
    await editor.evaluate(
      (element, [how, content]) => {
        const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0))
        const data = new DataTransfer()
        data.items.add(new File([bytes], `${how}.png`, { type: 'image/png' }))
        const { left, top } = element.getBoundingClientRect()
        const options = { bubbles: true, cancelable: true, clientX: left + 5, clientY: top + 5 }
        element.dispatchEvent(
          how === 'paste'
            ? new ClipboardEvent('paste', { ...options, clipboardData: data })
            : new DragEvent('drop', { ...options, dataTransfer: data }),
        )
      },
      [kind, png] as const,
    )
    await expect(editor.locator(`img[alt="${kind}.png"]`)).toBeVisible()
  }
  await expectAccessible(page)
  await page.keyboard.press('Control+Enter')
  const shown = screen.row('With a picture')
  await expect(shown.locator('img')).toHaveCount(3)
  await expect(shown.locator('img').first()).toHaveJSProperty('complete', true)
  await expect(shown.locator('img').first()).not.toHaveJSProperty('naturalWidth', 0)
  await expect(shown.locator('td')).toContainText('a cell')
  await expect(shown.locator('b, strong')).toContainText('bold')
  expect(await shown.innerHTML()).not.toMatch(/Mso|mso-/)
  await expectAccessible(page)
})
