import { api, SampleProject, type Item } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

// The machine may be busy: each test goes through many screens.
test.describe.configure({ timeout: 120_000 })
test.beforeEach(({ page }) => signIn(page))

interface Made {
  project: SampleProject
  /** The version before the changes, and the one after them. */
  from: number
  to: number
  keys: Record<'changed' | 'moved' | 'removed' | 'formatted' | 'added', string>
}

/** A project in which one requirement was changed, one moved, one removed, one only formatted and one added, and two linked. */
async function makeChanges(): Promise<Made> {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', [
    'Hold | The brake shall hold the vehicle on a slope of 8 % for ten minutes.',
    'Release | The brake shall release when the driver starts.',
    'Alarm | The brake shall warn the driver.',
    'Lamp | The lamp shall glow.',
  ])
  const { rows } = await api<{ rows: unknown[][] }>(
    'GET',
    `/projects/${project.key}/documents/${document.id}/outline`,
  )
  const row = (title: string) => {
    const found = rows.find((entry) => entry[6] === title) ?? []
    return { placement: String(found[0]), item: String(found[3]), key: String(found[4]) }
  }
  const [text, title] = ['Text', 'Title'].map((name) => project.attribute('Requirement', name)) as [
    string,
    string,
  ]
  const from = await head(project)
  await project.change(row('Hold').key, {
    [text]: '<p>The brake shall hold the vehicle on a slope of 12 % for ten minutes.</p>',
    [project.attribute('Requirement', 'Source')]: 'Test drivers',
  })
  await project.change(row('Lamp').key, { [text]: '<p>The lamp shall <strong>glow</strong>.</p>' })
  await project.commit([
    {
      op: 'move',
      kind: 'placement',
      id: row('Release').placement,
      position: { document_id: document.id, parent_id: row('Lamp').placement },
    },
    { op: 'delete', kind: 'placement', id: row('Alarm').placement },
    { op: 'delete', kind: 'item', id: row('Alarm').item },
  ])
  await document.append(['Horn | The horn shall sound.'])
  const link = project.schema.types.find((type) => type.category === 'link')
  await api('POST', `/projects/${project.key}/links`, {
    type_id: link?.id,
    source_id: row('Hold').item,
    target_id: row('Lamp').item,
  })
  const { items } = await api<{ items: Item[] }>('GET', `/projects/${project.key}/items?q=Horn`)
  return {
    project,
    from,
    to: await head(project),
    keys: {
      changed: row('Hold').key,
      moved: row('Release').key,
      removed: row('Alarm').key,
      formatted: row('Lamp').key,
      added: items.find((item) => item.attributes[title] === 'Horn')?.key ?? '',
    },
  }
}

async function head(project: SampleProject): Promise<number> {
  const { seq } = await api<{ seq: number }>('GET', `/projects/${project.key}/refs/resolve`)
  return seq
}

test('convention 8: diff', async ({ page }) => {
  const { project, from, to, keys } = await makeChanges()
  await page.goto(`/p/${project.key}/compare?from=${from}&to=${to}`)
  const entry = (key: string) => page.getByTestId('compare-entry').filter({ hasText: key })
  await expect(page.getByTestId('compare-summary')).toHaveText('2 added, 1 removed, 2 changed, 1 moved')

  // By word, and attributes too; what did not change is not shown.
  const changed = entry(keys.changed).first()
  await expect(changed).toHaveAttribute('data-tags', 'changed')
  await expect(changed.locator('del')).toHaveText(['8'])
  await expect(changed.locator('ins')).toHaveText(['12', 'Test drivers'])
  await expect(changed).toContainText('Source')
  await expect(changed).toContainText('unchanged attribute')

  // Moved is not changed, and formatting is not either; signs say so, not colours alone.
  await expect(entry(keys.moved)).toHaveAttribute('data-tags', 'moved')
  await expect(entry(keys.moved)).toContainText('↕')
  await expect(entry(keys.moved)).toContainText('Moved from 2 in Brakes to')
  await expect(entry(keys.formatted).first()).toHaveAttribute('data-tags', 'formatting')
  await expect(entry(keys.formatted).first()).toContainText('formatting only')
  await expect(entry(keys.removed)).toContainText('−')
  await expect(entry(keys.added)).toContainText('+')
  await expectAccessible(page)

  // n and p go from change to change, and the focus goes along.
  await page.keyboard.press('n')
  await expect(page.getByRole('status').filter({ hasText: '1 of 6' })).toBeVisible()
  await expect(page.locator('[data-entry]:focus')).toHaveCount(1)
  await page.keyboard.press('n')
  await expect(page.getByRole('status').filter({ hasText: '2 of 6' })).toBeVisible()
  await page.keyboard.press('p')
  await expect(page.getByRole('status').filter({ hasText: '1 of 6' })).toBeVisible()

  // Links have their own filter; the address keeps it.
  await page.getByLabel('Show', { exact: true }).selectOption('links')
  await expect(page.getByTestId('compare-entry')).toHaveCount(1)
  await expect(page.getByTestId('compare-entry')).toContainText('→')
  await expect(page).toHaveURL(/show=links/)
  await page.reload()
  await expect(page.getByTestId('compare-entry')).toHaveCount(1)
  await page.getByLabel('Show', { exact: true }).selectOption('structure')
  await expect(entry(keys.changed)).toHaveCount(0)
  await expect(entry(keys.moved)).toHaveCount(1)
  await page.getByLabel('Show', { exact: true }).selectOption('schema')
  await expect(page.getByText('Nothing of this kind differs')).toBeVisible()
  await expectAccessible(page)
})

test('convention 9: compare any two refs', async ({ page, context }) => {
  const { project, from, to, keys } = await makeChanges()
  await page.goto(`/p/${project.key}/compare`)
  await expect(page.getByText('Compare any two versions')).toBeVisible()
  await expectAccessible(page)
  await page.getByLabel('From').fill(String(from))
  await page.getByLabel('From').press('Enter')
  await expect(page).toHaveURL(new RegExp(`from=${from}`))
  await expect(page.getByTestId('compare-entry').filter({ hasText: keys.changed }).first()).toBeVisible()

  // Side by side: each side under its version, in one scroll, so that both always show the same place.
  await page.keyboard.press('Escape')
  await page.getByLabel('Side by side').check({ force: true })
  await expect(page).toHaveURL(/view=split/)
  await expect(page.getByTestId('compare-sides')).toContainText(`Version ${from}`)
  const changed = page.getByTestId('compare-entry').filter({ hasText: keys.changed }).first()
  const old = changed.locator('del').first()
  const now = changed.locator('ins').first()
  const tops = async () => [(await old.boundingBox())?.y, (await now.boundingBox())?.y]
  const [oldTop, nowTop] = await tops()
  expect(Math.abs((oldTop ?? 0) - (nowTop ?? 99))).toBeLessThan(4)
  await expectAccessible(page)

  // The whole texts, on demand.
  await expect(changed).not.toContainText('Status')
  await page.getByRole('switch', { name: 'Only what changed' }).click()
  await expect(page).toHaveURL(/whole=1/)
  await expect(changed).not.toContainText('unchanged attribute')

  // The address says all: another reader sees the same.
  const other = await context.newPage()
  await other.goto(page.url())
  await expect(other.getByTestId('compare-sides')).toContainText(`Version ${from}`)
  await expect(other.getByTestId('compare-entry').first()).toBeVisible()
  await other.close()

  // Swapped, what was added is removed.
  await page.goto(`/p/${project.key}/compare?from=${from}&to=${to}`)
  await page.getByRole('button', { name: 'Swap the two versions' }).click()
  await expect(page.getByTestId('compare-summary')).toHaveText('1 added, 2 removed, 2 changed, 1 moved')
  await page.goBack()
  await expect(page.getByTestId('compare-summary')).toHaveText('2 added, 1 removed, 2 changed, 1 moved')

  // Equal versions say so; one that does not exist is named.
  await page.goto(`/p/${project.key}/compare?from=${to}&to=${to}`)
  await expect(page.getByText('Nothing differs')).toBeVisible()
  await page.goto(`/p/${project.key}/compare?from=no-such-branch`)
  await expect(page.getByTestId('error-state')).toContainText('no-such-branch')
  await expectAccessible(page)
})

test('wide tables scroll on both sides together', async ({ page }) => {
  const project = await SampleProject.make()
  const document = await project.document('Signals', ['Bits | none'])
  const { rows } = await api<{ rows: unknown[][] }>(
    'GET',
    `/projects/${project.key}/documents/${document.id}/outline`,
  )
  const cells = (word: string) =>
    Array.from({ length: 24 }, (_, n) => `<td>${n === 23 ? word : `unbreakable_column_${n}`}</td>`).join('')
  const table = (word: string) => `<table><tbody><tr>${cells(word)}</tr></tbody></table>`
  const key = String(rows[0]?.[4])
  const text = project.attribute('Requirement', 'Text')
  await project.change(key, { [text]: table('before') })
  const from = await head(project)
  await project.change(key, { [text]: table('after') })
  await page.goto(`/p/${project.key}/compare?from=${from}&view=split`)
  const sides = page.locator('[data-side]')
  await expect(sides).toHaveCount(2)
  await sides.nth(0).evaluate((side) => side.scrollTo({ left: 400 }))
  await expect.poll(() => sides.nth(1).evaluate((side) => side.scrollLeft)).toBe(400)
  await sides.nth(1).evaluate((side) => side.scrollTo({ left: 90 }))
  await expect.poll(() => sides.nth(0).evaluate((side) => side.scrollLeft)).toBe(90)
  await expectAccessible(page)
})

test('history shows who changed what, reverts it, and takes the revert back', async ({ page }) => {
  const { project, keys } = await makeChanges()
  const text = async () => (await project.item(keys.changed)).text ?? ''
  await page.goto(`/p/${project.key}/history`)
  await expect(page.getByRole('listitem').filter({ hasText: 'Sample' }).first()).toBeVisible()
  await expectAccessible(page)
  const before = await head(project)
  await page
    .getByRole('button', { name: /Actions for version/ })
    .nth(4)
    .click()
  await page.getByRole('menuitem', { name: 'Revert' }).click()
  await expect(page.getByText(/Version \d+ reverted/).first()).toBeVisible()
  await expect.poll(text).toContain('8 %')
  await page.getByRole('button', { name: 'Undo', exact: true }).click()
  await expect.poll(text).toContain('12 %')
  expect(await head(project)).toBe(before + 2)

  // Two picked versions are compared.
  const boxes = page.getByRole('checkbox')
  await boxes.nth(0).check()
  await boxes.nth(3).check()
  await page.getByRole('button', { name: 'Compare', exact: true }).click()
  await expect(page).toHaveURL(/compare\?from=\d+&to=\d+/)
  await expectAccessible(page)
})
