import { api, SampleProject, type Item } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

/** A project whose one requirement was written, changed and linked. */
async function make(): Promise<{ project: SampleProject; item: Item; other: Item; document: string }> {
  const project = await SampleProject.make()
  const document = await project.document('System', [
    '# Braking',
    'Hold the vehicle | The brake shall hold the vehicle.',
    'Release the vehicle | The brake shall release the vehicle.',
  ])
  const [, item, other] = await Promise.all([1, 2, 3].map((n) => project.item(`${project.key}-${n}`)))
  if (!item || !other) throw new Error('the sample has no items')
  const type = project.schema.types.find((entry) => entry.name === 'satisfies')
  await api('POST', `/projects/${project.key}/links`, {
    source_id: other.id,
    target_id: item.id,
    type_id: type?.id,
    attributes: {},
  })
  const text = project.attribute('Requirement', 'Text')
  await project.change(item.key, { [text]: '<p>The brake shall safely hold the loaded vehicle.</p>' })
  return { project, item, other, document: document.path }
}

test('an item shows its text, its place, its links both ways and its history by word', async ({ page }) => {
  const { project, item, other, document } = await make()
  await signIn(page)
  await page.goto(`/p/${project.key}/i/${item.key}`)
  await expect(page.getByRole('heading', { level: 1, name: item.key })).toBeVisible()
  await expect(page.getByText('The brake shall safely hold the loaded vehicle.').first()).toBeVisible()
  const history = page.getByRole('region', { name: 'History' })
  await expect(history.getByRole('article')).toHaveCount(2)
  await expect(history.locator('ins').filter({ hasText: 'safely' })).toBeVisible()
  await expectAccessible(page)

  await page
    .getByRole('region', { name: 'Links' })
    .getByRole('button', { name: new RegExp(other.key) })
    .first()
    .click()
  await expect(page).toHaveURL(new RegExp(`/i/${other.key}`))
  await expect(page.getByRole('region', { name: 'Links' }).getByText('satisfies').first()).toBeVisible()
  await page.goBack()
  await page.getByRole('region', { name: 'Where it stands' }).getByRole('link', { name: 'System' }).click()
  await expect(page).toHaveURL(new RegExp(`${document}.*item=${item.key}`))
  await expect(page.getByRole('treegrid')).toBeVisible()
})

test('a version of the history is looked at, read only, and restored; undo takes it back', async ({
  page,
}) => {
  const { project, item } = await make()
  await signIn(page)
  await page.goto(`/p/${project.key}/i/${item.key}`)
  await page.getByRole('link', { name: /^Look at version/ }).click()
  await expect(page).toHaveURL(/at=\d+/)
  await expect(page.getByTestId('time-travel')).toBeVisible()
  await expect(page.getByText('The brake shall hold the vehicle.').first()).toBeVisible()
  await expect(page.getByRole('button', { name: /^(Edit|Restore this version|Delete)/ })).toHaveCount(0)
  await expect(
    page.getByTestId('time-travel').getByRole('button', { name: 'Restore this item' }),
  ).toBeVisible()
  await expectAccessible(page)

  await page.goto(`/p/${project.key}/i/${item.key}`)
  await page.getByRole('button', { name: /^Restore this version/ }).click()
  await expect.poll(async () => (await project.item(item.key)).text).toContain('shall hold the vehicle.')
  await expect(page.getByRole('region', { name: 'History' }).getByRole('article')).toHaveCount(3)
  await page.getByRole('button', { name: 'Undo' }).first().click()
  await expect.poll(async () => (await project.item(item.key)).text).toContain('safely')
})

test('values are edited in place, and a contradiction shows both sides', async ({ page }) => {
  const { project, item } = await make()
  const title = project.attribute('Requirement', 'Title')
  await signIn(page)
  await page.goto(`/p/${project.key}/i/${item.key}`)
  await page.getByRole('button', { name: 'Edit Title' }).click()
  await page.getByRole('textbox', { name: 'Title' }).fill('Hold still')
  await page.keyboard.press('Enter')
  await expect(page.getByText('Hold still').first()).toBeVisible()
  await expect.poll(async () => (await project.item(item.key)).title).toBe('Hold still')

  await page.getByRole('button', { name: 'Edit Title' }).click()
  await project.change(item.key, { [title]: 'Hold firmly' })
  await page.getByRole('textbox', { name: 'Title' }).fill('Hold softly')
  await page.keyboard.press('Enter')
  const refusal = page.getByTestId('refusal')
  await expect(refusal).toContainText('Hold firmly')
  await expect(refusal).toContainText('Hold softly')
  await expectAccessible(page)
  await refusal.getByRole('button', { name: 'Keep theirs' }).click()
  await expect(page.getByText('Hold firmly').first()).toBeVisible()
})

test('a deleted item says so and can be restored', async ({ page }) => {
  const { project, item } = await make()
  await signIn(page)
  await page.goto(`/p/${project.key}/i/${item.key}`)
  await page.getByRole('button', { name: 'Delete', exact: true }).click()
  await expect(page.getByTestId('deleted')).toContainText('was deleted by')
  await expectAccessible(page)
  await page.getByTestId('deleted').getByRole('button', { name: 'Restore' }).click()
  await expect(page.getByTestId('deleted')).toHaveCount(0)
  expect((await project.item(item.key)).text).toContain('safely')
})

test('pictures of its texts are listed; an item that is not there says so', async ({ page }) => {
  const { project, item } = await make()
  const picture =
    'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
  const form = new FormData()
  form.append('file', new Blob([Buffer.from(picture, 'base64')], { type: 'image/png' }), 'plan.png')
  const { path, url } = await api<{ path: string; url: string }>(
    'POST',
    `/projects/${project.key}/files`,
    form,
  )
  const text = project.attribute('Requirement', 'Text')
  await project.change(item.key, { [text]: `<p>See <img src="${url}" data-path="${path}" alt="plan"></p>` })
  await signIn(page)
  await page.goto(`/p/${project.key}/i/${item.key}`)
  await expect(
    page.getByRole('region', { name: 'Files' }).getByRole('link', { name: /plan.*png/ }),
  ).toBeVisible()
  await expectAccessible(page)
  await page.goto(`/p/${project.key}/i/${project.key}-999`)
  await expect(page.getByTestId('error-state')).toBeVisible()
  await expectAccessible(page)
})

test('who wrote which words is told; a redacted version says by whom and why on every screen', async ({
  page,
}) => {
  const { project, item, document } = await make()
  await signIn(page)
  await page.goto(`/p/${project.key}/i/${item.key}`)
  await page.getByRole('button', { name: 'Who wrote this' }).click()
  const pieces = page.getByTestId('blame').getByRole('listitem')
  await expect(pieces.filter({ hasText: 'safely' })).toContainText('Version ')
  await expectAccessible(page)

  const past = item.revision
  await page.getByRole('button', { name: 'Redact past versions' }).click()
  const dialog = page.getByRole('dialog', { name: `Redact past versions of ${item.key}` })
  await expect(dialog).toContainText('1 of 1 past versions will be redacted')
  await expect(dialog.getByRole('checkbox', { name: new RegExp(`^Version ${past},`) })).toBeChecked()
  await expectAccessible(page)
  await dialog.getByLabel('Reason').fill('Name of a patient')
  await expect(dialog.getByRole('button', { name: 'Redact', exact: true })).toBeDisabled()
  await dialog.getByLabel('I know that this cannot be undone').check()
  await dialog.getByRole('button', { name: 'Redact', exact: true }).click()
  await expect(dialog).toBeHidden()
  const timeline = page.getByRole('region', { name: 'History' })
  await expect(timeline.getByTestId('redacted')).toContainText('Name of a patient')
  await expect(timeline).toContainText('What it was changed from is redacted.')
  await expect(timeline.getByRole('button', { name: /^Restore this version/ })).toHaveCount(0)
  await expectAccessible(page)
  await page.goto(`/p/${project.key}/i/${item.key}?at=${past}`)
  await expect(page.getByTestId('redacted').first()).toContainText('Redacted by ')
  await expectAccessible(page)
  await page.goto(`${document}?at=${past}`)
  await expect(page.getByTestId('redacted')).toContainText('Name of a patient')
  await expectAccessible(page)
  await page.goto(`/p/${project.key}/compare?from=${past}&to=main`)
  const entry = page.getByTestId('compare-entry').filter({ has: page.getByTestId('redacted') })
  await expect(entry.getByTestId('redacted')).toContainText('Name of a patient')
  await expect(entry).not.toContainText('hold the vehicle.')
  await expectAccessible(page)
  await page.goto(`/p/${project.key}/history`)
  await expect(page.getByText('Name of a patient')).toBeVisible()
})
