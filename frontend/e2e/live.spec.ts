import type { Page } from '@playwright/test'
import { DocumentScreen } from './pages/document'
import { api, SampleProject } from './sample'
import { expect, expectAccessible, signIn, signInAs, test } from './session'

const LINES = ['# Braking', 'Hold on a slope | The brake shall hold.', 'Release | It releases.']
const PASSWORD = 'correct horse battery'

test.beforeEach(({ page }) => signIn(page))

/** A second person with a browser of their own, in which errors of the page fail the test too. */
async function colleague(
  another: () => Promise<Page>,
  project: SampleProject,
  role = 'editor',
): Promise<Page> {
  const email = `grace-${project.key.toLowerCase()}@example.org`
  const { id } = await api<{ id: string }>('POST', '/users', {
    email,
    display_name: 'Grace Hopper',
    password: PASSWORD,
  })
  await api('PUT', `/projects/${project.key}/members/${id}`, { role })
  const page = await another()
  await signInAs(page, email, PASSWORD)
  return page
}

test('two people see each other and what the other one saves', async ({ page, another }) => {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', LINES)
  const other = await colleague(another, project)
  const mine = new DocumentScreen(page)
  const theirs = new DocumentScreen(other)
  await mine.open(document)
  await theirs.open(document)

  // They are named, with where they are; a row shows who is at it, and who edits it.
  const here = page.getByTestId('people-here')
  await expect(here).toHaveAccessibleName('One other person is here')
  await theirs.focusRow('Release')
  await expect(mine.row('Release').getByRole('img', { name: 'Grace Hopper is here' })).toBeVisible()
  await here.click()
  const list = page.getByRole('dialog')
  await expect(list.getByText('Grace Hopper')).toBeVisible()
  await expect(list.getByText(/^At /)).toBeVisible()
  await expectAccessible(page)
  await page.keyboard.press('Escape')
  await other.keyboard.press('Enter')
  await expect(mine.row('Release').getByRole('img', { name: 'Grace Hopper is editing this' })).toBeVisible()

  // What is being typed stays when the other one's save arrives.
  await mine.focusRow('Hold on a slope')
  await page.keyboard.press('Enter')
  const editor = mine.row('Hold on a slope').getByRole('textbox')
  await editor.press('End')
  await editor.pressSequentially(' Always.')
  await theirs.row('Release').getByRole('textbox').press('End')
  await other.keyboard.type(' Quickly.')
  await other.keyboard.press('Control+Enter')
  await theirs.saved()
  await expect(mine.row('Release')).toContainText('It releases. Quickly.')
  await expect(editor).toContainText('The brake shall hold. Always.')
  await editor.press('Control+Enter')
  await mine.saved()
  await expect(theirs.row('Hold on a slope')).toContainText('The brake shall hold. Always.')

  // A structural change arrives too, and whoever wants to be seen by nobody is not.
  await document.append(['# Steering'])
  await expect(theirs.row('Steering')).toBeVisible()
  await expect(mine.row('Steering')).toBeVisible()
  await other.getByTestId('people-here').click()
  await other.getByRole('switch', { name: 'Let others see me' }).click()
  await expect(here).toHaveAccessibleName('Nobody else is here')
  await other.getByRole('switch', { name: 'Let others see me' }).click()
  await expect(here).toHaveAccessibleName('One other person is here')
  await other.close()
  await expect(here).toHaveAccessibleName('Nobody else is here')
})

test('what is typed on top of a text that somebody else saves meanwhile overwrites nothing', async ({
  page,
  another,
}) => {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', LINES)
  const other = await colleague(another, project)
  const theirs = new DocumentScreen(other)
  await theirs.open(document)
  const key = (await theirs.row('Release').getAttribute('data-key')) ?? ''
  const title = project.attribute('Requirement', 'Title')

  // On the page of the item: a contradiction is asked about.
  await page.goto(`/p/${project.key}/i/${key}`)
  await page.getByRole('button', { name: 'Edit Title' }).click()
  const field = page.getByRole('article').getByRole('textbox')
  await field.fill('Release at once')
  await project.change(key, { [title]: 'Release slowly' })
  await expect(page.getByRole('region', { name: 'History' })).toContainText('Release slowly')
  await field.press('Enter')
  await expect(page.getByText('Release at once').first()).toBeVisible()
  await expect(page.getByText('Release slowly').first()).toBeVisible()
  expect((await project.item(key)).attributes[title]).toBe('Release slowly')

  // In a document: the row is deleted under whoever edits it, who is asked, and may keep what they typed.
  await theirs.focusRow('Release slowly')
  await other.keyboard.press('Enter')
  const editor = theirs.grid.getByRole('textbox')
  await editor.press('End')
  await editor.pressSequentially(' Never again.')
  await api('DELETE', `/projects/${project.key}/items/${key}`)
  const asked = other.getByRole('alertdialog')
  await expect(asked).toBeVisible()
  await expect(asked).toContainText('deleted')
  await asked.getByRole('button', { name: 'Keep mine' }).click()
  await expect(other.getByText('is back, among the items without a place').last()).toBeVisible()
  await expect.poll(async () => (await project.item(key)).text).toContain('Never again.')
})

test('who loses the connection catches up, and who loses the role sees nothing more', async ({
  page,
  another,
}) => {
  const project = await SampleProject.make()
  const document = await project.document('Brakes', LINES)
  const other = await colleague(another, project, 'viewer')
  const theirs = new DocumentScreen(other)
  await theirs.open(document)
  const here = other.getByTestId('people-here')
  await expect(here).toHaveAccessibleName('Nobody else is here')

  await other.context().setOffline(true)
  await other.evaluate(() => window.dispatchEvent(new Event('offline')))
  await document.append(['# Missed meanwhile'])
  await other.context().setOffline(false)
  await expect(theirs.row('Missed meanwhile')).toBeVisible()

  const members = await api<{ user_id: string; display_name: string }[]>(
    'GET',
    `/projects/${project.key}/members`,
  )
  const grace = members.find((member) => member.display_name === 'Grace Hopper')
  await api('DELETE', `/projects/${project.key}/members/${grace?.user_id}`)
  await document.append(['# Secret'])
  await expect(other.getByText('Secret')).toHaveCount(0)
  await expect(other.getByRole('heading', { name: /not found|no project/i })).toBeVisible()
  await page.close()
})
