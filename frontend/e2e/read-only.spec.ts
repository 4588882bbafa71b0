import { DocumentScreen } from './pages/document'
import { SampleProject } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

test.beforeEach(({ page }) => signIn(page))

test('what is typed while nothing can be saved is kept, and saved once when it can', async ({ page }) => {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', ['Hold on a slope', 'Release'])
  const screen = new DocumentScreen(page)
  await screen.open(document, { view: 'grid' })
  const key = (await screen.row('Hold on a slope').getAttribute('data-key')) ?? ''
  const source = project.attribute('Requirement', 'Source')
  const read = async () => (await project.item(key)).attributes[source]
  const banner = page.getByTestId('read-only-banner')
  const title = 'Nothing can be saved at present.'

  let isAway = true
  const keys: string[] = []
  await page.route('**/api/v1/projects/*/commits*', async (route) => {
    keys.push((await route.request().headerValue('idempotency-key')) ?? '')
    if (!isAway) return route.continue()
    return route.fulfill({
      status: 503,
      headers: { 'Reqtrail-Degraded': 'unavailable', 'Retry-After': '2' },
      json: { code: 'database_unavailable', title: 'Away', detail: 'Try again in a few seconds.' },
    })
  })
  await page.route('**/api/v1/health/ready', (route) =>
    isAway ? route.fulfill({ json: { database: 'read-only' } }) : route.continue(),
  )

  await (await screen.cell('Hold on a slope', 'Source')).dblclick()
  await page.keyboard.type('Test drivers')
  await page.keyboard.press('Enter')
  await expect(banner).toContainText(title)
  await expectAccessible(page)
  // It stays where it was typed, and others can be typed behind it.
  await expect(await screen.cell('Hold on a slope', 'Source')).toHaveText('Test drivers')
  await (await screen.cell('Release', 'Source')).dblclick()
  await page.keyboard.type('Mechanics')
  await page.keyboard.press('Enter')
  await expect(await screen.cell('Release', 'Source')).toHaveText('Mechanics')
  expect(await read()).toBeUndefined()

  isAway = false
  await expect(banner).toBeHidden()
  await screen.saved()
  await expect.poll(read).toBe('Test drivers')
  await expect(await screen.cell('Release', 'Source')).toHaveText('Mechanics')
  // The first was sent again under its key; the second has one of its own.
  const different = [...new Set(keys)]
  expect(different).toHaveLength(2)
  expect(different).not.toContain('')
  expect(keys.filter((sent) => sent === different[0]).length).toBeGreaterThan(1)
})
