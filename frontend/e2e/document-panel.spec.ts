import { DocumentScreen } from './pages/document'
import { api, SampleProject } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

test.beforeEach(({ page }) => signIn(page))

test('the panel edits, links and restores an item', async ({ page }) => {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', ['Hold | The brake shall hold.', 'Release', 'Warn'])
  const screen = new DocumentScreen(page)
  await screen.open(document)
  await screen.focusRow('Hold')
  await page.keyboard.press('Space')
  await expect(screen.panel).toBeVisible()

  // An attribute.
  await screen.panel.getByRole('button', { name: 'Edit Owner' }).click()
  await page.keyboard.type('Ada')
  await page.keyboard.press('Enter')
  await expect(screen.panel.getByText('Ada')).toBeVisible()
  await expectAccessible(page)

  // A link, found by its key; going to the other end; deleting it.
  const release = (await screen.row('Release').getAttribute('data-key')) ?? ''
  await screen.panel.getByText('Links', { exact: true }).click()
  await screen.panel.getByRole('textbox', { name: 'Key or words of the other item' }).fill(release)
  await screen.panel.getByRole('button', { name: release }).click()
  await expect(screen.panel.getByRole('button', { name: `Delete the link to ${release}` })).toBeVisible()
  await expectAccessible(page)
  await screen.panel.getByRole('button', { name: `${release} Release` }).click()
  await expect(page).toHaveURL(new RegExp(`item=${release}`))
  await expect(screen.panel.getByRole('heading', { name: 'Release' })).toBeVisible()
  await screen.panel.getByRole('button', { name: /Delete the link to/ }).click()
  await expect(screen.panel.getByRole('button', { name: /Delete the link to/ })).toHaveCount(0)

  // The history by word, and the way back.
  const title = project.attribute('Requirement', 'Title')
  await project.change(release, { [title]: 'Release at once' })
  await screen.panel.getByText('History', { exact: true }).click()
  await expect(screen.panel.locator('ins')).toContainText(['at once'])
  await expectAccessible(page)
  await screen.panel.getByRole('button', { name: 'Restore' }).last().click()
  await expect.poll(async () => (await project.item(release)).title).toBe('Release')
  await expect(screen.row('Release')).not.toContainText('at once')

  // Escape closes the panel, unless it is pinned.
  await screen.panel.getByRole('button', { name: 'Keep the panel open' }).click()
  await screen.focusRow('Warn')
  await page.keyboard.press('Escape')
  await expect(screen.panel).toContainText('Warn')
  await screen.panel.getByRole('button', { name: 'Keep the panel open' }).click()
  await screen.focusRow('Hold')
  await page.keyboard.press('Escape')
  await expect(screen.panel).toHaveCount(0)
  await expectAccessible(page)
})

test('items without a place and deleted items are reached from the outline and come back', async ({
  page,
}) => {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', ['Hold', 'Release'])
  const fields = {
    type_id: project.type('Requirement').id,
    attributes: { [project.attribute('Requirement', 'Title')]: 'Homeless' },
  }
  await project.commit([{ op: 'create', kind: 'item', fields }])
  const screen = new DocumentScreen(page)
  await screen.open(document)
  const key = (await screen.row('Hold').getAttribute('data-key')) ?? ''
  await api('DELETE', `/projects/${project.key}/items/${key}`)

  await page.getByRole('link', { name: 'Items without a place' }).click()
  await expect(page.getByRole('main')).toContainText('Homeless')
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Place at the end' }).click()
  await expect.poll(() => document.titles()).toEqual(['Release', 'Homeless'])
  await expect(page.getByText('Every item stands in a document').first()).toBeVisible()

  await page.goto(`/p/${project.key}/deleted`)
  await expect(page.getByRole('main')).toContainText('Hold')
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Restore' }).click()
  await expect.poll(async () => (await project.item(key)).title).toBe('Hold')
  await expect(page.getByText('Nothing was deleted').first()).toBeVisible()
  await expectAccessible(page)
})
