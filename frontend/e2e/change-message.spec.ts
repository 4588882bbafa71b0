import { DocumentScreen } from './pages/document'
import { api, SampleProject } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

interface Log {
  commits: { message: string }[]
}

test('a message goes with every change until it is cleared, and the histories show it', async ({ page }) => {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', ['Hold on a slope', 'Release', 'Turn'])
  const messages = async () =>
    (await api<Log>('GET', `/projects/${project.key}/commits`)).commits.map((commit) => commit.message)
  await signIn(page)
  const screen = new DocumentScreen(page)
  await screen.open(document, { view: 'grid' })
  const field = page.getByRole('textbox', { name: 'Message for the next changes' })
  const button = page.getByTestId('change-message')

  // By key, from a row and back to it; Escape takes back what was typed.
  const source = await screen.cell('Release', 'Source')
  await source.click()
  await page.keyboard.press('m')
  await expect(field).toBeFocused()
  await page.keyboard.type('never said')
  await page.keyboard.press('Escape')
  await expect(source).toBeFocused()
  await expect(button).toHaveText('')
  await page.keyboard.press('m')
  await page.keyboard.type('Findings of the May review')
  await expectAccessible(page)
  await page.keyboard.press('Enter')
  await expect(source).toBeFocused()
  await expect(button).toHaveText('Findings of the May review')

  await page.keyboard.press('F2')
  await page.keyboard.type('Drivers')
  await page.keyboard.press('Enter')
  await page.keyboard.press('Delete')
  await screen.saved()
  await expect
    .poll(async () => (await messages()).slice(0, 2))
    .toEqual(Array(2).fill('Findings of the May review'))

  // It stands through a reload, on the page of an item, and goes with links and restores too.
  const [held, released] = await Promise.all([1, 2].map((n) => project.item(`${project.key}-${n}`)))
  await page.goto(`/p/${project.key}/i/${released?.key}`)
  await expect(button).toHaveText('Findings of the May review')
  await page.getByRole('textbox', { name: 'Key or words of the other item' }).fill(String(held?.key))
  await page.getByRole('button', { name: new RegExp(`^${held?.key} `) }).click()
  await expect
    .poll(async () => (await messages()).filter((text) => text.startsWith('Findings')))
    .toHaveLength(3)
  await expect(page.getByRole('region', { name: 'History' })).toContainText('Findings of the May review')
  await expectAccessible(page)
  await page.goto(`/p/${project.key}/history`)
  await expect(page.getByRole('link', { name: 'Findings of the May review' })).toHaveCount(3)

  // From the palette, and back to the row; cleared, a change says again what was done.
  await screen.open(document)
  await screen.focusRow('Hold on a slope')
  await page.keyboard.press('Control+k')
  await expect(page.getByRole('dialog').getByRole('combobox')).toBeFocused()
  await page.keyboard.type('commit message')
  await expect(page.getByRole('option', { name: 'Message for the next changes' })).toBeVisible()
  await page.keyboard.press('Enter')
  await expect(field).toBeFocused()
  await page.keyboard.press('Escape')
  await screen.expectFocus('Hold on a slope')
  await page.keyboard.press('Control+k')
  await expect(page.getByRole('dialog').getByRole('combobox')).toBeFocused()
  await page.keyboard.type('commit message')
  await page.getByRole('option', { name: 'Message for the next changes' }).click()
  await page.getByRole('button', { name: 'Clear' }).click()
  await expect(button).toHaveText('')
  await screen.expectFocus('Hold on a slope')
  await page.keyboard.press('Delete')
  await expect.poll(async () => (await messages())[0]).toBe(`${held?.key} deleted`)
})

test('nobody is asked for a message who cannot write', async ({ page }) => {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', ['Hold on a slope'])
  const { ref } = await api<{ ref: { seq: number } }>('GET', `/projects/${project.key}/schema`)
  await signIn(page)
  await new DocumentScreen(page).open(document, { at: String(ref.seq) })
  await expect(page.getByTestId('time-travel')).toBeVisible()
  await expect(page.getByTestId('change-message')).toHaveCount(0)
  await page.keyboard.press('m')
  await expect(page.getByRole('textbox', { name: 'Message for the next changes' })).toHaveCount(0)
})
