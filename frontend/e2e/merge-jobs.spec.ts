import type { Page } from '@playwright/test'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { JOB_MS } from './pages/exchange'
import { api, SampleProject, type Item } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

// The instance under test calls a merge of twenty changes large.
const ITEMS = 24

test.describe.configure({ timeout: 180_000 })
test.beforeEach(({ page }) => signIn(page))
test.afterEach(() => signalWorkers('SIGCONT'))

/** Stops the workers of the instance under test where they are, or lets them go on. */
function signalWorkers(signal: 'SIGSTOP' | 'SIGCONT'): void {
  const runtime = JSON.parse(readFileSync(join(process.env.E2E_HOME ?? '', 'runtime.json'), 'utf8')) as {
    worker_pids: number[]
  }
  for (const pid of runtime.worker_pids) process.kill(pid, signal)
}

interface Fork {
  project: SampleProject
  branch: string
  items: Item[]
  /** Changes the sources of some items on a branch. */
  write: (at: string, items: readonly Item[], source: string) => Promise<unknown>
  source: (item: Item) => Promise<unknown>
}

/** A project whose branch `winter` changed every item. */
async function fork(): Promise<Fork> {
  const project = await SampleProject.make()
  const attribute = project.attribute('Requirement', 'Source')
  const fields = {
    type_id: project.type('Requirement').id,
    attributes: { [project.attribute('Requirement', 'Title')]: 'Hold' },
  }
  const { items } = await project.commit(
    Array.from({ length: ITEMS }, () => ({ op: 'create' as const, kind: 'item', fields })),
  )
  const { id } = await api<{ id: string }>('POST', `/projects/${project.key}/branches`, { name: 'winter' })
  const write: Fork['write'] = (at, some, source) =>
    api('POST', `/projects/${project.key}/commits?branch=${at}`, {
      operations: some.map((item) => ({
        op: 'update',
        kind: 'item',
        id: item.id,
        fields: { attributes: { [attribute]: source } },
      })),
    })
  const source: Fork['source'] = async (item) => (await project.item(item.key)).attributes[attribute]
  await write('winter', items, 'Snow drivers')
  return { project, branch: id, items, write, source }
}

const progress = (page: Page) => page.getByTestId('merge-job').getByRole('progressbar')

test('a large merge is done by the server, and found again after leaving and reloading', async ({ page }) => {
  const { project, items, source } = await fork()
  await page.goto(`/p/${project.key}/branches`)
  const winter = page.getByRole('link', { name: 'Merge: winter' })
  await winter.click()
  await expect(page.getByTestId('large')).toContainText(`${ITEMS} changes: the server does this.`)
  await expectAccessible(page)

  // Nobody does it yet: it waits, wherever somebody goes meanwhile.
  signalWorkers('SIGSTOP')
  await page.getByRole('button', { name: 'Merge', exact: true }).click()
  await expect(progress(page)).toBeVisible()
  await expect(page).toHaveURL(/job=/)
  await expect(page.getByTestId('merge-job')).toContainText('Waiting for a worker')
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Merge “winter” into “main”')
  await expectAccessible(page)
  await page.goto('/jobs')
  await expect(page.getByTestId('job').filter({ hasText: `Merge of ${project.key}` })).toContainText(
    'Waiting',
  )
  await page.goto(`/p/${project.key}/branches`)
  await winter.click()
  await expect(progress(page)).toBeVisible()
  await page.reload()
  await expect(progress(page)).toBeVisible()

  signalWorkers('SIGCONT')
  await expect(page.getByTestId('merge-job')).toContainText('“main” is at version', { timeout: JOB_MS })
  await expect(page.getByTestId('merge-job')).toContainText(`${ITEMS} changes`)
  await expectAccessible(page)
  expect(await source(items[0] as Item)).toBe('Snow drivers')
  await page.getByRole('link', { name: 'Show what changed' }).click()
  await expect(page.getByTestId('compare-entry').first()).toContainText('Snow drivers')
})

test('a merge is cancelled, or refused, and goes on from what was chosen', async ({ page }) => {
  const { project, items, branch, write, source } = await fork()
  const [both, other] = items as [Item, Item]
  await write('main', [both], 'Test bench')
  await page.goto(`/p/${project.key}/branches/${branch}/merge?direction=merge`)
  const merge = page.getByRole('button', { name: 'Merge', exact: true })
  const job = page.getByTestId('merge-job')
  await expect(page.getByTestId('left')).toHaveText('1 left to be chosen')
  await page.getByRole('article', { name: /Source$/ }).focus()
  await page.keyboard.press('1')
  await expect(page.getByTestId('left')).toHaveText('Everything is chosen.')
  await page.getByLabel('Message').fill('For the winter')

  signalWorkers('SIGSTOP')
  await merge.click()
  await job.getByRole('button', { name: 'Cancel' }).click()
  await expect(job).toContainText('Cancelled: nothing was merged')
  await expectAccessible(page)
  await job.getByRole('button', { name: 'Back to the merge' }).click()
  await expect(page.getByTestId('left')).toHaveText('Everything is chosen.')
  await expect(page.getByLabel('Message')).toHaveValue('For the winter')

  // Somebody saves to main before a worker comes to it: the job says so, also to whoever comes later.
  await merge.click()
  await expect(progress(page)).toBeVisible()
  await write('main', [other], 'Law')
  signalWorkers('SIGCONT')
  await expect(job).toContainText('merge_stale', { timeout: JOB_MS })
  await page.reload()
  await expect(job).toContainText('Nothing was merged')
  await expectAccessible(page)
  await job.getByRole('button', { name: 'Back to the merge' }).press('Enter')
  await expect(page).not.toHaveURL(/job=/)
  await expect(page.getByTestId('left')).toHaveText('1 left to be chosen')
  await expect(page.getByLabel('Message')).toHaveValue('For the winter')
  await page.getByRole('button', { name: 'Take all from “winter”' }).click()
  await expect(page.getByTestId('left')).toHaveText('Everything is chosen.')
  await merge.click()
  await expect(job).toContainText('“main” is at version', { timeout: JOB_MS })
  expect(await source(other)).toBe('Snow drivers')
})
