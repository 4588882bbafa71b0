import type { Page } from '@playwright/test'
import { readFileSync } from 'node:fs'
import { JOB_MS } from './pages/exchange'
import { api, SampleProject } from './sample'
import { expect, expectAccessible, signIn, signInAs, test } from './session'

const PASSWORD = 'correct horse battery'

test.beforeEach(({ page }) => signIn(page))

/** What is listed about a project. */
const jobsOf = (page: Page, key: string) => page.getByTestId('job').filter({ hasText: key })

/** Has the page believe that its tab is seen, or not. */
async function show(page: Page, visible: boolean): Promise<void> {
  await page.evaluate(
    (state) => {
      Object.defineProperty(document, 'visibilityState', { value: state, configurable: true })
      document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))
    },
    visible ? 'visible' : 'hidden',
  )
}

test('what somebody asked for is listed, followed and fetched, also after a reload', async ({ page }) => {
  const project = await SampleProject.make()
  await project.document('Requirements', ['# One', 'The brake shall hold.'])
  await page.goto('/')
  await page.getByRole('link', { name: 'My jobs' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('My jobs')
  await api('POST', `/projects/${project.key}/verifications`)

  await page.reload()
  const job = jobsOf(page, project.key)
  await expect(job).toContainText(`Verification of ${project.key}`)
  await expect(job).toContainText('Done', { timeout: JOB_MS })
  await expect(job).toContainText('Everything agrees')
  await expect(job).toContainText(/until \d/)
  await expectAccessible(page)

  // By keyboard, with the name that a screen reader says.
  const download = page.waitForEvent('download')
  await job.getByRole('button', { name: 'Download verification.json' }).focus()
  await page.keyboard.press('Enter')
  const file = await download
  expect(file.suggestedFilename()).toBe('verification.json')
  expect(JSON.parse(readFileSync(await file.path(), 'utf8'))).toMatchObject({ ok: true, problems: [] })

  await page.keyboard.press('Control+k')
  await page.keyboard.type('My jobs')
  await expect(page.getByRole('option', { name: /My jobs/ })).toBeVisible()
})

test('a job that waits is followed while somebody looks, cancelled, and asked for again', async ({
  page,
}) => {
  const project = await SampleProject.make()
  const started = await api<Record<string, unknown>>('POST', `/projects/${project.key}/verifications`)
  // A worker is quicker than any hand, so a server stands in for ours that leaves the job waiting.
  let state = 'queued'
  const wishes: string[] = []
  let asked = 0
  await page.route(/\/api\/v1\/jobs(\?|$)/, (route) => {
    asked += 1
    return route.fulfill({ json: { jobs: [{ ...started, state, file: null }], next: null } })
  })
  await page.route(`**/api/v1/projects/${project.key}/jobs/*/*`, (route) => {
    wishes.push(new URL(route.request().url()).pathname.split('/').at(-1) ?? '')
    state = state === 'queued' ? 'cancelled' : 'queued'
    return route.fulfill({ status: 202, json: { ...started, state } })
  })
  await page.goto('/jobs')
  const job = jobsOf(page, project.key)
  await expect(job.getByRole('progressbar')).toBeVisible()
  await expect.poll(() => asked).toBeGreaterThan(2)
  await expectAccessible(page)

  // A tab that nobody sees asks for nothing; one that is seen again does at once.
  await show(page, false)
  const hidden = asked
  await page.waitForTimeout(5_000)
  expect(asked - hidden).toBeLessThan(2)
  await show(page, true)
  await expect.poll(() => asked).toBeGreaterThan(hidden + 2)

  await job.getByRole('button', { name: `Cancel: Verification of ${project.key}` }).click()
  await expect(job).toContainText('Cancelled')
  await expect(job).toBeFocused()

  // What has ended is not asked for again.
  const before = asked
  await page.waitForTimeout(5_000)
  expect(asked).toBe(before)
  await job.getByRole('button', { name: 'Try again' }).click()
  await expect(job).toContainText('Waiting')
  expect(wishes).toEqual(['cancel', 'retry'])
})

test('an administrator sees what others asked for, by state and kind', async ({ page, another }) => {
  const project = await SampleProject.make()
  const email = `jobs-${project.key.toLowerCase()}@example.com`
  const account = { email, display_name: 'Jo Jobs', password: PASSWORD }
  const { id } = await api<{ id: string }>('POST', '/users', account)
  await api('PUT', `/projects/${project.key}/members/${id}`, { role: 'editor' })
  const other = await another()
  await signInAs(other, email, PASSWORD)
  await other.goto('/jobs')
  await expect(other.getByTestId('empty-state')).toContainText('You have not asked for anything yet')
  await expectAccessible(other)

  await other.goto(`/p/${project.key}/exchange`)
  await other.getByRole('button', { name: 'Run in the background' }).click()
  const exported = jobsOf(other, project.key)
  await expect(exported).toContainText('Done', { timeout: JOB_MS })
  await expectAccessible(other)
  const download = other.waitForEvent('download')
  await exported.getByRole('button', { name: 'Download' }).click()
  expect((await download).suggestedFilename()).toBe(`${project.key}.reqifz`)
  await other.reload()
  await expect(exported).toContainText('Done')

  await page.goto('/')
  await page.getByRole('navigation').getByRole('link', { name: 'Jobs', exact: true }).click()
  const job = jobsOf(page, project.key)
  await expect(job).toContainText(`Export of ${project.key}`)
  await expect(job).toContainText('by Jo Jobs')
  // The file is for whoever asked for it.
  await expect(job.getByRole('button')).toHaveCount(0)
  await page.getByRole('combobox', { name: 'Kind' }).selectOption('Verification')
  await expect(job).toHaveCount(0)
  await expect(page).toHaveURL(/kind=versioning.verify/)
  await page.getByRole('combobox', { name: 'Kind' }).selectOption('Export')
  await page.getByRole('combobox', { name: 'State' }).selectOption('Done')
  await expect(job).toHaveCount(1)
  await expectAccessible(page)
  await page.getByRole('combobox', { name: 'State' }).selectOption('Given up')
  await expect(page.getByTestId('empty-state')).toContainText('No job fits these filters')
  await page.getByTestId('empty-state').getByRole('button', { name: 'Clear filters' }).click()
  await expect(job).toHaveCount(1)
})
