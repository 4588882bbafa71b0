import { api, SampleProject } from './sample'
import { expect, expectAccessible, signIn, signInAs, test } from './session'

// The machine may be busy: each test goes through several screens.
test.describe.configure({ timeout: 120_000 })
test.beforeEach(({ page }) => signIn(page))

test('a group is made, peopled, and given a role in a project', async ({ page }) => {
  const sample = await SampleProject.make()
  const email = `anna-${sample.key.toLowerCase()}@example.org`
  await api('POST', '/users', { email, display_name: 'Anna Groupie', password: 'correct horse battery' })
  const name = `Brakes ${sample.key}`

  await page.goto('/groups')
  await page.getByLabel('Name', { exact: true }).first().fill(name)
  await page.getByLabel('Description', { exact: true }).first().fill('Those who brake')
  await page.getByRole('button', { name: 'New group' }).click()
  const row = page.getByRole('button', { name: new RegExp(name) })
  await expect(row).toHaveAttribute('aria-expanded', 'false')
  await row.click()
  await page.getByLabel('E-mail address of an account').fill('nobody@example.org')
  await page.getByRole('button', { name: 'Add member' }).click()
  await expect(page.getByText('There is no account with the address nobody@example.org.')).toBeVisible()
  await page.getByLabel('E-mail address of an account').fill(email)
  await page.getByRole('button', { name: 'Add member' }).click()
  const members = page.getByRole('list', { name: `Members of ${name}` })
  await expect(members.getByText('Anna Groupie')).toBeVisible()
  await expect(row).toContainText('one member')
  const edited = page.getByRole('form', { name: `Name and description of ${name}` })
  await expect(edited.getByRole('button', { name: 'Save' })).toBeDisabled()
  await edited.getByLabel('Description').fill('Those who brake early')
  await edited.getByRole('button', { name: 'Save' }).click()
  await expect(row).toContainText('Those who brake early')
  await expectAccessible(page)

  await page.goto(`/p/${sample.key}/settings`)
  await page.getByLabel('Group', { exact: true }).selectOption({ label: name })
  await page.getByLabel('Role of the group').selectOption('reviewer')
  await page.getByRole('button', { name: 'Add group' }).click()
  await expect(page.getByLabel(`Role of ${name}`)).toHaveValue('reviewer')
  await expect(page.getByText(`Reviewer through ${name}`)).toBeVisible()

  // The last owner stays, and the page says why; the legend says what the roles may do.
  await expect(page.getByText('The last owner cannot leave')).toBeVisible()
  await expect(page.getByRole('button', { name: /^Remove Administrator/ })).toBeDisabled()
  await page.getByText('What each role may do').click()
  await expect(page.getByText('Reads everything, at any version, and exports')).toBeVisible()
  await expectAccessible(page)

  await page.getByLabel(`Role of ${name}`).selectOption('owner')
  await expect(page.getByText('The last owner cannot leave')).toBeHidden()
  await page.getByRole('button', { name: `Remove ${name}` }).click()
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(page.getByLabel(`Role of ${name}`)).toHaveValue('owner')
})

test('a token is limited to permissions and projects', async ({ page, request }) => {
  const sample = await SampleProject.make()
  await page.goto('/account')
  await page.getByLabel('What is it for?').fill(`CI of ${sample.key}`)
  await page.getByLabel('May', { exact: true }).selectOption('choose')
  await page.getByLabel('export', { exact: true }).uncheck()
  await page.getByLabel('In', { exact: true }).selectOption('someProjects')
  const create = page.getByRole('button', { name: 'Create token' })
  await expect(create).toBeDisabled()
  await page.getByLabel(new RegExp(`^${sample.key} `)).check()
  await expectAccessible(page)
  await create.click()
  const token = await page.getByRole('status').getByText(/^rqt_/).innerText()
  const row = page.getByRole('listitem').filter({ hasText: `CI of ${sample.key}` })
  await expect(row).toContainText(token.slice(0, 9))
  await expect(row).toContainText(`In ${sample.key}`)
  await expect(row).toContainText('never used')

  const headers = { Authorization: `Bearer ${token}` }
  const ask = async (path: string) => (await request.get(`/api/v1${path}`, { headers })).status()
  expect(await ask(`/projects/${sample.key}/documents`)).toBe(200)
  expect(await ask(`/projects/${sample.key}/exports/reqif`)).toBe(403)
  expect(await ask('/projects/RQT')).toBe(404)
  await row.getByRole('button', { name: /^Revoke/ }).click()
  await expect(row).toBeHidden()
  expect(await ask(`/projects/${sample.key}/documents`)).toBe(401)
})

test('a document is kept from those who are not named', async ({ page, another }) => {
  const sample = await SampleProject.make()
  await sample.document('Open brakes', ['The car shall brake.'])
  await sample.document('Secret prices', ['The brake shall cost 5 Euro.'])
  const email = `rita-${sample.key.toLowerCase()}@example.org`
  const password = 'correct horse battery'
  const rita = await api<{ id: string }>('POST', '/users', { email, display_name: 'Rita Reader', password })
  await api('PUT', `/projects/${sample.key}/members/${rita.id}`, { role: 'reviewer' })

  await page.goto(`/p/${sample.key}/settings`)
  await expect(page.getByText('Every member may read everything.')).toBeVisible()
  const choice = page.getByLabel('Document or attribute')
  await choice.selectOption({ label: 'Document: Secret prices' })
  await page.getByRole('button', { name: 'Restrict', exact: true }).click()
  const listed = page.getByRole('list', { name: 'Restricted reading' })
  await expect(listed).toContainText('Secret prices')
  await expect(listed).toContainText('Only owners may read it.')
  await expect(choice.getByRole('option', { name: 'Document: Secret prices' })).toHaveCount(0)
  await choice.selectOption({ label: 'Attribute: Requirement · Source' })
  await page.getByRole('button', { name: 'Restrict', exact: true }).click()
  await expect(listed.getByRole('listitem')).toHaveCount(2)
  await expectAccessible(page)

  const guest = await another()
  await signInAs(guest, email, password)
  await guest.goto(`/p/${sample.key}`)
  await expect(guest.getByRole('link', { name: /Open brakes/ }).first()).toBeVisible()
  await expect(guest.getByText('Secret prices')).toHaveCount(0)
  await guest.goto(`/p/${sample.key}/settings`)
  await expect(guest.getByRole('heading', { name: 'Members' })).toBeVisible()
  await expect(guest.getByText('Restricted reading')).toHaveCount(0)

  // Ticked from the keyboard, and it takes effect at once.
  const who = listed.getByRole('group', { name: 'Who may read Secret prices, besides owners' })
  await who.getByLabel('Reviewer').focus()
  await page.keyboard.press('Space')
  await expect(who.getByText('Only owners may read it.')).toBeHidden()
  await guest.goto(`/p/${sample.key}`)
  await expect(guest.getByRole('link', { name: /Secret prices/ }).first()).toBeVisible()

  await page.getByRole('button', { name: 'Let every member read Secret prices' }).click()
  await expect(listed.getByRole('listitem')).toHaveCount(1)
  await page.getByRole('button', { name: 'Undo' }).click()
  await expect(who.getByLabel('Reviewer')).toBeChecked()
  await expectAccessible(page)
})
