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
  // Without a socket, as behind a proxy that passes none on, the list is asked for.
  await page.routeWebSocket(/\/api\/v1\/live$/, (socket) => socket.close())
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

test('what a socket tells is shown at once, and nothing is asked for meanwhile', async ({ page }) => {
  const project = await SampleProject.make()
  const started = await api<Record<string, unknown>>('POST', `/projects/${project.key}/verifications`)
  let job: Record<string, unknown> = { ...started, state: 'queued', file: null }
  let asked = 0
  await page.route(/\/api\/v1\/jobs(\?|$)/, (route) => {
    asked += 1
    return route.fulfill({ json: { jobs: [job], next: null } })
  })
  const said: Record<string, unknown>[] = []
  let tell: (message: object) => void = () => undefined
  await page.routeWebSocket(/\/api\/v1\/live$/, (socket) => {
    tell = (message) => socket.send(JSON.stringify(message))
    socket.onMessage((text) => {
      const message = JSON.parse(String(text)) as Record<string, unknown>
      said.push(message)
      if (message.type === 'hello') tell({ type: 'welcome', socket: '1', user_id: 'somebody' })
      if (message.type === 'follow') tell({ ...message, type: 'following' })
    })
  })
  await page.goto('/jobs')
  const row = jobsOf(page, project.key)
  await expect(row).toContainText('Waiting')
  await expect.poll(() => said.some((one) => one.type === 'follow' && one.jobs === 'own')).toBe(true)
  await page.waitForTimeout(1_500)

  const progress = (done: number, more: object = {}): void => {
    job = { ...job, state: 'running', phase: 'reading', done, total: 100, ...more }
    tell({ type: 'job', project: project.key, job: { ...job, result: undefined, file: undefined } })
  }
  progress(0)
  await expect(row).toContainText('Running')
  // That it began is a reason to read the list, how far it is is none.
  await page.waitForTimeout(1_500)
  const before = asked
  for (const done of [20, 40, 60]) {
    progress(done)
    await expect(row.getByRole('progressbar')).toHaveAttribute('aria-valuenow', String(done), {
      timeout: 1_000,
    })
  }
  await page.waitForTimeout(4_000)
  expect(asked).toBe(before)
  progress(100, { state: 'done', phase: 'done', finished_at: new Date().toISOString(), result: { ok: true } })
  await expect(row).toContainText('Done', { timeout: 1_000 })
  await expect(row).toContainText('Everything agrees')
  await page.waitForTimeout(4_000)
  expect(asked).toBe(before + 1)

  // Whoever goes away follows no more.
  await page.getByRole('link', { name: 'Projects', exact: true }).click()
  await expect.poll(() => said.some((one) => one.type === 'unfollow')).toBe(true)
})

test('owners see the jobs of their project come and go, and have its history verified', async ({
  page,
  another,
}) => {
  const project = await SampleProject.make()
  await project.document('Requirements', ['# One', 'The brake shall hold.'])
  const email = `pj-${project.key.toLowerCase()}@example.com`
  const account = { email, display_name: 'Eve Editor', password: PASSWORD }
  const { id } = await api<{ id: string }>('POST', '/users', account)
  await api('PUT', `/projects/${project.key}/members/${id}`, { role: 'editor' })
  const asked: string[] = []
  page.on('request', (request) => {
    if (/\/projects\/[^/]+\/jobs\?/.test(request.url())) asked.push(request.url())
  })
  await page.goto(`/p/${project.key}`)
  await page.getByRole('navigation').getByRole('link', { name: 'Jobs', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Jobs')
  await expect(page.getByTestId('empty-state')).toContainText('There are no jobs')
  await expectAccessible(page)

  // Two processes and a worker in between: nothing but the socket tells this screen of another one's job.
  const other = await another()
  await signInAs(other, email, PASSWORD)
  await other.goto(`/p/${project.key}/jobs`)
  await expect(other.getByTestId('empty-state')).toContainText('You have not asked for anything yet')
  const rows = page.getByTestId('job')
  await other.getByRole('button', { name: 'Verify history' }).click()
  await expect(rows).toHaveCount(1)
  await expect(rows.first()).toContainText('by Eve Editor')
  await expect(rows.first()).toContainText('Everything agrees with its hashes.', { timeout: JOB_MS })
  await expect(other.getByTestId('job')).toContainText('Everything agrees with its hashes.')
  await expect(other.getByRole('button', { name: 'Download verification.json' })).toBeVisible()
  await page.waitForTimeout(2_000)
  const before = asked.length
  expect(before).toBeLessThan(8)
  await page.waitForTimeout(7_000)
  expect(asked.length).toBe(before)

  // One's own among them; others see no more than theirs.
  await page.getByRole('button', { name: 'Verify history' }).click()
  await expect(rows).toHaveCount(2)
  await expect(rows.first()).toContainText('Everything agrees with its hashes.', { timeout: JOB_MS })
  await page.getByRole('radio', { name: 'Mine' }).check({ force: true })
  await expect(rows).toHaveCount(1)
  await expect(page).toHaveURL(/who=mine/)
  await page.reload()
  await expect(rows).toHaveCount(1)
  await expect(page.getByRole('radio', { name: 'Mine' })).toBeChecked()
  await expectAccessible(page)
  await expect(other.getByTestId('job')).toHaveCount(1)
  await expect(other.getByRole('radio')).toHaveCount(0)
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
