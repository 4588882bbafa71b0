import type { Locator, Page } from '@playwright/test'
import { api, SampleProject, type Schema } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

const open = async (page: Page, project: SampleProject, show = ''): Promise<void> => {
  await signIn(page)
  await page.goto(`/p/${project.key}/settings/types${show ? `?show=${show}` : ''}`)
  await expect(page.getByRole('navigation', { name: 'Types and attributes' })).toBeVisible()
}
const stored = (project: SampleProject): Promise<Schema> => api('GET', `/projects/${project.key}/schema`)
const attributeNames = async (project: SampleProject, type: string): Promise<string[]> =>
  (await stored(project)).types.find((entry) => entry.name === type)?.attributes.map((entry) => entry.name) ??
  []
const valueNames = async (project: SampleProject, datatype: string): Promise<string[]> =>
  (await stored(project)).datatypes
    .find((entry) => entry.name === datatype)
    ?.enum_values.map((entry) => entry.name) ?? []

/** Edits a text in place, as its reader does. */
async function retype(page: Page, from: Locator, label: string, text: string, key = 'Enter'): Promise<void> {
  await from.click()
  const field = page.getByRole('textbox', { name: label, exact: true })
  await field.fill(text)
  await field.press(key)
}

test('types are made, renamed and deleted, and each step can be undone', async ({ page }) => {
  const project = await SampleProject.make()
  await open(page, project)
  await page.getByRole('button', { name: 'New item type' }).click()
  await page.getByRole('textbox', { name: 'New item type' }).fill('Risk')
  await page.keyboard.press('Enter')
  const name = page.getByRole('button', { name: /^Risk \(edit/ })
  await expect(name).toBeVisible()
  expect(await attributeNames(project, 'Risk')).toEqual(['Title', 'Text'])

  await retype(page, name, 'Name', 'Nothing of this', 'Escape')
  await expect(name).toBeVisible()
  await retype(page, name, 'Name', 'Hazard')
  await expect(page.getByRole('navigation').getByRole('button', { name: 'Hazard' })).toBeVisible()
  await expect.poll(() => attributeNames(project, 'Hazard')).toEqual(['Title', 'Text'])

  await page.getByRole('button', { name: 'Delete the type Hazard' }).click()
  await expect(page.getByRole('navigation').getByRole('button', { name: 'Hazard' })).toHaveCount(0)
  await page.getByRole('button', { name: 'Undo' }).first().click()
  await expect(page.getByRole('navigation').getByRole('button', { name: 'Hazard' })).toBeVisible()
  await expectAccessible(page)
})

test('attributes are added, ordered, retyped, given defaults and deleted', async ({ page }) => {
  const project = await SampleProject.make()
  await open(page, project, project.type('Heading').id)
  await page.getByRole('textbox', { name: 'New attribute' }).fill('Stage')
  await page.getByLabel('Datatype of the new attribute').selectOption({ label: 'Status' })
  await page.getByRole('button', { name: 'Add attribute' }).click()
  await expect.poll(() => attributeNames(project, 'Heading')).toEqual(['Title', 'Stage'])

  await page.getByRole('button', { name: 'Move Stage up' }).click()
  await expect.poll(() => attributeNames(project, 'Heading')).toEqual(['Stage', 'Title'])
  await expect(page.getByRole('button', { name: 'Move Stage down' })).toBeFocused()
  await page.keyboard.press('Alt+Shift+ArrowDown')
  await expect.poll(() => attributeNames(project, 'Heading')).toEqual(['Title', 'Stage'])

  await page.getByRole('checkbox', { name: 'Several values' }).check()
  await page.getByRole('button', { name: 'Default of Stage:' }).click()
  await page.getByRole('group', { name: 'Default of Stage:' }).getByLabel('Draft').check()
  await page.keyboard.press('Enter')
  const draft = project.datatype('Status').enum_values[0]?.id
  const attribute = async () =>
    (await stored(project)).types
      .find((type) => type.name === 'Heading')
      ?.attributes.find((entry) => entry.name === 'Stage')
  await expect.poll(attribute).toMatchObject({ multi_valued: true, default_value: [draft] })

  await page.getByLabel('Datatype of Stage').selectOption({ label: 'Integer' })
  await expect.poll(attribute).toMatchObject({ base: 'integer', multi_valued: false, default_value: null })
  await page.getByRole('button', { name: 'Default of Stage:' }).click()
  await page.keyboard.type('many')
  await page.keyboard.press('Enter')
  await expect(page.getByText('This takes a whole number.')).toBeVisible()
  expect(await attribute()).toMatchObject({ default_value: null })
  await expectAccessible(page)

  await page.getByRole('button', { name: 'Delete the attribute Stage' }).click()
  await expect.poll(() => attributeNames(project, 'Heading')).toEqual(['Title'])
})

test('datatypes: values of an enumeration and limits of a number', async ({ page }) => {
  const project = await SampleProject.make()
  await open(page, project)
  await page.getByRole('button', { name: 'New datatype' }).click()
  await page.getByRole('textbox', { name: 'New datatype' }).fill('Safety level')
  await page.keyboard.press('Enter')
  await expect(page.getByText('Datatype: Enumeration')).toBeVisible()
  for (const name of ['QM', 'ASIL A', 'ASIL B']) {
    await page.getByRole('textbox', { name: 'New value' }).fill(name)
    await page.keyboard.press('Enter')
    await expect(page.getByRole('button', { name: `Delete the value ${name}` })).toBeVisible()
  }
  await expect.poll(() => valueNames(project, 'Safety level')).toEqual(['QM', 'ASIL A', 'ASIL B'])
  await page.getByRole('textbox', { name: 'New value' }).fill('QM')
  await expect(page.getByText('There is a value of this name already.')).toBeVisible()
  await page.keyboard.press('Escape')

  await page.getByRole('button', { name: 'Move ASIL B up' }).click()
  await retype(page, page.getByRole('button', { name: /^QM \(edit/ }), 'Name of QM', 'None')
  await page.getByLabel('Colour of ASIL A').fill('#ff0000')
  await expect.poll(() => valueNames(project, 'Safety level')).toEqual(['None', 'ASIL B', 'ASIL A'])
  await expect
    .poll(async () => (await stored(project)).datatypes.find((entry) => entry.name === 'Safety level'))
    .toMatchObject({ enum_values: [{}, {}, { color: '#ff0000' }] })
  await page.getByRole('button', { name: 'Delete the value ASIL B' }).click()
  await expect.poll(() => valueNames(project, 'Safety level')).toEqual(['None', 'ASIL A'])
  await expectAccessible(page)

  // What items may have is not deleted without a second word.
  await page.getByRole('navigation').getByRole('button', { name: 'Status Enumeration' }).click()
  await page.getByRole('button', { name: 'Delete the value Draft' }).click()
  const doubt = page.getByRole('alertdialog')
  await expect(doubt).toContainText('offer “Draft”. Items may have it')
  await expectAccessible(page)
  await expect(doubt.getByRole('button', { name: 'Keep it' })).toBeFocused()
  await page.keyboard.press('Escape')
  await expect(doubt).toHaveCount(0)
  expect(await valueNames(project, 'Status')).toContain('Draft')
  await page.getByRole('button', { name: 'Delete the value Draft' }).click()
  await doubt.getByRole('button', { name: 'Delete' }).click()
  await expect.poll(() => valueNames(project, 'Status')).not.toContain('Draft')

  await page.getByRole('navigation').getByRole('button', { name: 'Requirement 8 attributes' }).click()
  await page.getByRole('button', { name: 'Default of Rationale:' }).click()
  await page.getByRole('textbox', { name: 'Default of Rationale:' }).fill('To be written')
  await page.keyboard.press('Control+Enter')
  await expect(page.getByRole('button', { name: 'Default of Rationale:' })).toContainText('To be written')
  await expect
    .poll(async () => JSON.stringify((await stored(project)).types))
    .toContain('<p>To be written</p>')

  await page.getByRole('navigation').getByRole('button', { name: 'Integer Integer' }).click()
  await retype(page, page.getByRole('button', { name: /\(edit: Smallest\)/ }), 'Smallest', '10')
  await retype(page, page.getByRole('button', { name: /\(edit: Largest\)/ }), 'Largest', '5')
  await expect(page.getByText('The smallest is larger than the largest.')).toBeVisible()
  await page.getByRole('textbox', { name: 'Largest' }).fill('50')
  await page.keyboard.press('Enter')
  await expect
    .poll(async () => (await stored(project)).datatypes.find((entry) => entry.name === 'Integer'))
    .toMatchObject({ constraints: { min: '10', max: '50' } })
  await expectAccessible(page)
})

test('a refusal says in place why, and leaves everything as it was', async ({ page }) => {
  const project = await SampleProject.make()
  await project.document('System', ['Hold the vehicle'])
  await open(page, project, project.type('Requirement').id)
  await page.getByRole('button', { name: 'Delete the type Requirement' }).click()
  await expect(page.getByTestId('refusal')).toContainText('still have this type')
  await expect(page.getByRole('button', { name: /^Requirement \(edit/ })).toBeVisible()
  await expectAccessible(page)

  await page.goto(`/p/${project.key}/settings/types?show=${project.datatype('Status').id}`)
  await page.getByRole('button', { name: 'Delete the datatype Status' }).click()
  await expect(page.getByTestId('refusal')).toContainText('still have this datatype')
})

test('what somebody else renamed meanwhile is shown beside ones own, never overwritten silently', async ({
  page,
}) => {
  const project = await SampleProject.make()
  const { id } = project.type('Requirement')
  await open(page, project, id)
  const name = page.getByRole('button', { name: /^Requirement \(edit/ })
  await name.click()
  const operation = { op: 'update' as const, kind: 'type', id, fields: { name: 'Demand' } }
  await project.commit([operation], 'Renamed elsewhere')
  await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Obligation')
  await page.keyboard.press('Enter')
  const refusal = page.getByTestId('refusal')
  await expect(refusal).toContainText('Demand')
  await expect(refusal).toContainText('Obligation')
  await expectAccessible(page)
  await refusal.getByRole('button', { name: 'Write mine' }).click()
  await expect(page.getByRole('button', { name: /^Obligation \(edit/ })).toBeVisible()
  await expect.poll(async () => (await stored(project)).types[0]?.name).toBe('Obligation')
})

test('an earlier version is shown and cannot be changed; on a narrow screen the list comes first', async ({
  page,
}) => {
  const project = await SampleProject.make()
  await open(page, project)
  await page.goto(`/p/${project.key}/settings/types?at=1`)
  await expect(page.getByText('You are looking at an earlier version')).toBeVisible()
  await expect(page.getByRole('button', { name: /^Delete/ })).toHaveCount(0)
  await expectAccessible(page)
  await page.setViewportSize({ width: 390, height: 844 })
  await page.goto(`/p/${project.key}/settings/types`)
  await page.getByRole('button', { name: /^Test case/ }).click()
  await expect(page.getByRole('textbox', { name: 'New attribute' })).toBeVisible()
  await expectAccessible(page)
  await page.getByRole('button', { name: 'All types and datatypes' }).click()
  await expect(page.getByRole('button', { name: /^Test case/ })).toBeVisible()
})
