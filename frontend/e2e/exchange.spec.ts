import { existsSync, readFileSync, statSync } from 'node:fs'
import { ExchangeScreen, JOB_MS, SMALL } from './pages/exchange'
import { largeReqif } from './reqif'
import { SampleProject } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

const REAL = '../../shared/data/reqif/subset026_ch3_with_images.reqifz'

// The machine may be busy: each test goes through many screens.
test.describe.configure({ timeout: 120_000 })
test.beforeEach(({ page }) => signIn(page))

test('convention 14: long jobs', async ({ page }) => {
  const project = await SampleProject.make()
  const screen = new ExchangeScreen(page, project.key)
  await screen.open()

  // Nothing is written before the report was read.
  await screen.choose(SMALL)
  await expect(screen.report).toBeVisible({ timeout: JOB_MS })
  await expect(page).toHaveURL(/job=/)
  await expect(page.getByTestId('counts-held')).toContainText('4items')
  await expect(page.getByTestId('import-mapping')).toContainText('Parking brake')
  await expect(screen.report).toContainText('Nothing would be lost.')
  await expect(screen.count('created')).toHaveText('22')
  await expect(page.getByText('Nothing has been written yet.')).toBeVisible()
  await expectAccessible(page)

  // The report survives a reload, and going away and coming back by the list.
  await page.reload()
  await expect(screen.report).toBeVisible()
  await page.goto(`/p/${project.key}`)
  await page.getByRole('link', { name: 'Import and export' }).click()
  await page.getByRole('button', { name: 'Open the report of small.reqif' }).click()
  await expect(screen.report).toBeVisible()

  await screen.commit()
  await expect(screen.done).toContainText('“small.reqif” is imported as version')
  await expectAccessible(page)
  await screen.done.getByRole('link', { name: 'See what changed' }).click()
  await expect(page).toHaveURL(/compare\?from=\d+&to=\d+/)
  await expect(page.getByTestId('compare-entry').first()).toBeVisible()
  await page.goBack()
  await screen.done.getByRole('link', { name: 'Parking brake' }).click()
  await expect(page.getByRole('treegrid')).toBeVisible()

  // The same file once more changes nothing, and says so before anything is written.
  await screen.open()
  await screen.choose(SMALL)
  await expect(screen.count('created')).toHaveText('0', { timeout: JOB_MS })
  await expect(screen.count('unchanged')).toHaveText('22')
  await screen.report.getByRole('button', { name: 'Discard' }).click()
  await expect(page.getByTestId('import-drop')).toBeVisible()
  await expectAccessible(page)
})

test('a long import shows its phase and how far it is, and ends when it is cancelled', async ({ page }) => {
  test.setTimeout(120_000)
  const project = await SampleProject.make()
  const screen = new ExchangeScreen(page, project.key)
  await screen.open()
  await screen.choose({
    name: 'large.reqif',
    mimeType: 'application/xml',
    buffer: Buffer.from(largeReqif(40_000)),
  })
  await expect(screen.progress).toContainText('large.reqif', { timeout: JOB_MS })
  await expect(screen.progress).toContainText(/[\d,]+ of [\d,]+/, { timeout: JOB_MS })
  await expectAccessible(page)
  // It goes on without the page.
  await page.goto(`/p/${project.key}`)
  await page.goBack()
  await screen.progress.getByRole('button', { name: 'Cancel' }).click()
  await expect(page.getByTestId('import-cancelled')).toBeVisible({ timeout: JOB_MS })
  await expect(page.getByTestId('import-cancelled')).toContainText('Nothing was written.')
  await page.goto(`/p/${project.key}`)
  await expect(page.getByTestId('empty-state')).toBeVisible()
})

test('a file that cannot be imported says what is wrong with it, and where', async ({ page }) => {
  const project = await SampleProject.make()
  const screen = new ExchangeScreen(page, project.key)
  await screen.open()
  await screen.choose({ name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('notes') })
  await expect(page.getByRole('alert').filter({ hasText: 'neither .reqif nor .reqifz' })).toBeVisible()
  await screen.drop('broken.reqif', readFileSync(SMALL, 'utf8').replace('</SPEC-OBJECT>', '</SPEC-OBJEKT>'))
  await expect(screen.failed).toBeVisible({ timeout: JOB_MS })
  await expect(screen.failed).toContainText('not_well_formed')
  await expect(screen.failed).toContainText(/Line \d/)
  await expect(screen.failed).toContainText('Nothing was written.')
  await expectAccessible(page)
})

test('an export streams the chosen version as a file', async ({ page }) => {
  const project = await SampleProject.make()
  const screen = new ExchangeScreen(page, project.key)
  await project.importReqif('small.reqif', readFileSync(SMALL, 'utf8'))
  await screen.open()
  await page.getByLabel('Format').selectOption('reqif')
  const [file] = await Promise.all([
    page.waitForEvent('download'),
    page.getByTestId('export-form').getByRole('button', { name: 'Export' }).click(),
  ])
  expect(file.suggestedFilename()).toBe(`${project.key}.reqif`)
  const exported = readFileSync(await file.path(), 'utf8')
  expect(exported).toContain('IDENTIFIER="SAMPLE-TYPE-REQ"')
  await expect(page.getByText(`“${project.key}.reqif” exported`).first()).toBeVisible()

  // The version before the import holds none of it.
  await page.getByLabel('Version').fill('1')
  const [before] = await Promise.all([
    page.waitForEvent('download'),
    page.getByTestId('export-form').getByRole('button', { name: 'Export' }).click(),
  ])
  expect(readFileSync(await before.path(), 'utf8')).not.toContain('SAMPLE-TYPE-REQ')

  // Two ReqIF files do not fit into one .reqif; the way out is one click away.
  await project.importReqif('large.reqif', largeReqif(50))
  await page.getByLabel('Version').fill('')
  await page.getByTestId('export-form').getByRole('button', { name: 'Export' }).click()
  await expect(page.getByTestId('error-state')).toContainText('export_needs_archive')
  const [archive] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('button', { name: 'Export as .reqifz' }).click(),
  ])
  expect(archive.suggestedFilename()).toBe(`${project.key}.reqifz`)

  // A version that does not exist is refused in words, at its place.
  await page.getByLabel('Version').fill('4711')
  await page.getByTestId('export-form').getByRole('button', { name: 'Export' }).click()
  const error = page.getByTestId('error-state')
  await expect(error).toContainText('4711')
  await expect(error).toContainText('Request id')
  await expectAccessible(page)
})

test('a real specification with pictures comes in and goes out with every picture', async ({ page }) => {
  test.skip(!existsSync(REAL), 'The file is not on this machine.')
  test.setTimeout(180_000)
  const project = await SampleProject.make()
  const screen = new ExchangeScreen(page, project.key)
  await screen.open()
  await screen.choose(REAL)
  await expect(screen.report).toBeVisible({ timeout: JOB_MS })
  await expect(page.getByTestId('counts-held')).toContainText('attachments')
  await expectAccessible(page)
  await screen.commit()

  // The first document shows its pictures.
  await screen.done.getByRole('list', { name: 'Documents' }).getByRole('link').first().click()
  await expect(page.getByRole('treegrid')).toBeVisible()

  await page.goto(`/p/${project.key}/exchange`)
  const [file] = await Promise.all([
    page.waitForEvent('download', { timeout: JOB_MS }),
    page.getByTestId('export-form').getByRole('button', { name: 'Export' }).click(),
  ])
  expect(file.suggestedFilename()).toBe(`${project.key}.reqifz`)
  expect(statSync(await file.path()).size).toBeGreaterThan(statSync(REAL).size / 2)
  await expectAccessible(page)
})
