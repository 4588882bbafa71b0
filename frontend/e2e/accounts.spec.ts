import { type Page } from '@playwright/test'
import { api, SampleProject } from './sample'
import { credentials, expect, expectAccessible, signIn, test } from './session'

test.describe.configure({ timeout: 120_000 })

const PASSWORD = 'three odd words here'
const stamp = Date.now().toString(36)
const addressOf = (name: string) => `${name}-${stamp}@example.org`

interface Mails {
  mails: { recipient: string; text: string }[]
}

/** The newest link that was mailed to an address, as a path of this application. */
async function linkTo(email: string, page: string): Promise<string> {
  const { mails } = await api<Mails>('GET', '/admin/mails?limit=200')
  for (const mail of mails.filter(({ recipient }) => recipient === email)) {
    const found = new RegExp(`/${page}#\\S+`).exec(mail.text)
    if (found) return found[0]
  }
  throw new Error(`no link to ${page} was mailed to ${email}`)
}

async function makeAccount(email: string, name: string): Promise<void> {
  await api('POST', '/users', { email, display_name: name, password: PASSWORD })
}

async function signInAs(page: Page, email: string, password = PASSWORD): Promise<void> {
  await page.goto('/sign-in')
  await page.getByLabel('E-mail address').fill(email)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await expect(page).not.toHaveURL(/sign-in/)
}

test('an administrator invites somebody, who makes an account', async ({ page, another }) => {
  const email = addressOf('invited')
  await signIn(page)
  await page.goto('/')
  await page.getByRole('link', { name: 'Users', exact: true }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Users')
  await page.getByLabel('E-mail address').fill(email)
  await page.getByRole('button', { name: 'Send invitation' }).click()
  await expect(page.getByRole('list', { name: 'Open invitations' })).toContainText(email)
  await page.mouse.move(5, 5) // a button under the pointer is on its way to another colour
  await expectAccessible(page)

  // The local sink shows the mail, and its link.
  await page.getByRole('link', { name: 'Mails', exact: true }).click()
  await expect(page.getByText('Local sink: these mails are not sent')).toBeVisible()
  await page
    .getByRole('listitem')
    .filter({ hasText: email })
    .getByText(/invites you/)
    .first()
    .click()
  const link = page.getByRole('link', { name: /\/invitation#/ }).first()
  await expect(link).toBeVisible()
  await expectAccessible(page)
  const path = new URL((await link.getAttribute('href')) ?? '').pathname
  expect(path).toBe('/invitation')

  const guest = await another()
  await guest.goto(await linkTo(email, 'invitation'))
  await expect(guest.getByRole('heading', { level: 1 })).toHaveText('You are invited to Reqtrail')
  await expectAccessible(guest)
  await guest.getByLabel('Name').fill('Ingrid Invited')
  await guest.getByLabel('Password', { exact: true }).fill('password123')
  await guest.getByRole('button', { name: 'Make the account' }).click()
  await expect(guest.getByText(/among the first that are guessed/)).toBeVisible()
  await guest.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await guest.getByRole('button', { name: 'Make the account' }).click()
  await expect(guest.getByRole('link', { name: /Ingrid Invited/ })).toBeVisible()
  // Somebody who is no administrator sees no administration.
  await expect(guest.getByRole('link', { name: 'Users', exact: true })).toHaveCount(0)

  // The link is good once.
  const again = await another()
  await again.goto(await linkTo(email, 'invitation'))
  await expect(again.getByRole('heading', { level: 1 })).toHaveText('This link is not good any more')
  await expectAccessible(again)
})

test('an owner invites somebody with an account to a project', async ({ page, another }) => {
  const email = addressOf('member')
  await makeAccount(email, 'Mia Member')
  const project = await SampleProject.make()
  await signIn(page)
  await page.goto(`/p/${project.key}/settings`)
  await page.getByLabel('Invite by mail').fill(email)
  await page.getByRole('button', { name: 'Send invitation' }).click()
  await expect(page.getByRole('list', { name: 'Open invitations' })).toContainText(email)
  await expectAccessible(page)

  const guest = await another()
  await guest.goto(await linkTo(email, 'invitation'))
  await expect(guest.getByRole('heading', { level: 1 })).toContainText(project.key)
  await guest.getByRole('link', { name: 'Sign in to accept' }).click()
  await guest.getByLabel('E-mail address').fill(email)
  await guest.getByLabel('Password', { exact: true }).fill(PASSWORD)
  await guest.getByRole('button', { name: 'Sign in' }).click()
  await guest.getByRole('button', { name: 'Accept the invitation' }).click()
  await expect(guest.getByRole('link', { name: new RegExp(project.key) }).first()).toBeVisible()
})

test('a forgotten password is replaced by mail', async ({ page }) => {
  const email = addressOf('forgetful')
  await makeAccount(email, 'Fay Forgetful')
  await page.goto('/sign-in')
  await expectAccessible(page)
  await page.getByRole('link', { name: 'Forgot the password?' }).click()
  await expectAccessible(page)
  await page.getByLabel('E-mail address').fill(email)
  await page.getByRole('button', { name: 'Send the link' }).click()
  const answer = page.getByText('If the address has an account, a mail is on its way.')
  await expect(answer).toBeVisible()
  // An address without an account is answered with the same words.
  await page.goto('/forgot-password')
  await page.getByLabel('E-mail address').fill(addressOf('nobody'))
  await page.getByRole('button', { name: 'Send the link' }).click()
  await expect(answer).toBeVisible()

  const link = await linkTo(email, 'reset-password')
  await page.goto(link)
  await expectAccessible(page)
  await page.getByLabel('New password').fill('another three words')
  await page.getByRole('button', { name: 'Set the password' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('The password is set')
  await signInAs(page, email, 'another three words')
  await page.goto(link)
  await page.getByLabel('New password').fill('yet another three words')
  await page.getByRole('button', { name: 'Set the password' }).click()
  await expect(page.getByText('Ask for a new one.')).toBeVisible()
})

test('an e-mail address is confirmed and changed', async ({ page }) => {
  const [email, next] = [addressOf('moving'), addressOf('moved')]
  await makeAccount(email, 'Mo Moving')
  await signInAs(page, email)
  await page.goto('/account')
  await expect(page.getByText('Not confirmed')).toBeVisible()
  await page.getByRole('button', { name: 'Send a link to confirm it' }).click()
  await expect(page.getByText(`A link was sent to ${email}`).first()).toBeVisible()
  await page.goto(await linkTo(email, 'verify-email'))
  await expectAccessible(page)
  await page.getByRole('button', { name: 'Confirm' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('The address is confirmed')
  await page.getByRole('link', { name: 'Go on' }).click()
  await expect(page.getByText('Confirmed', { exact: true })).toBeVisible()
  await expectAccessible(page)

  await page.getByLabel('New address').fill(next)
  const form = page.locator('form').filter({ has: page.getByLabel('New address') })
  await form.getByLabel('Current password').fill('not the password')
  await form.getByRole('button', { name: 'Change address' }).click()
  await expect(page.getByRole('alert').first()).toContainText('Type the password')
  await form.getByLabel('Current password').fill(PASSWORD)
  await form.getByRole('button', { name: 'Change address' }).click()
  await expect(page.getByText(`A link was sent to ${next}`).first()).toBeVisible()
  await page.goto(await linkTo(next, 'change-email'))
  await page.getByRole('button', { name: 'Use this address' }).click()
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('The address was changed')
  await page.getByRole('link', { name: 'Go on' }).click()
  await expect(page.getByText(next, { exact: true })).toBeVisible()
})

test('a session is seen and ended from another one', async ({ page, another }) => {
  const email = addressOf('sessions')
  await makeAccount(email, 'Sam Sessions')
  const other = await another()
  await signInAs(other, email)
  await signInAs(page, email)
  await page.goto('/account')
  const sessions = page.getByRole('region', { name: 'Sessions' })
  await expect(sessions.getByRole('listitem')).toHaveCount(2)
  await expect(sessions.getByText('This one')).toHaveCount(1)
  await expect(sessions.getByText(/Chrome, Linux/).first()).toBeVisible()
  await expectAccessible(page)
  await sessions.getByRole('button', { name: /End the session of/ }).click()
  await expect(sessions.getByRole('listitem')).toHaveCount(1)
  await other.goto('/account')
  await expect(other).toHaveURL(/sign-in/)
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('Account')
})

test('administrators find, disable, enable and promote accounts', async ({ page, another }) => {
  const email = addressOf('managed')
  await makeAccount(email, 'Max Managed')
  const person = await another()
  await signInAs(person, email)
  await signIn(page)
  await page.goto('/admin/users')
  await page.getByRole('searchbox').fill('zzqqxx')
  await expect(page.getByTestId('empty-state')).toContainText('zzqqxx')
  await expectAccessible(page)
  await page.getByRole('searchbox').fill(`managed-${stamp}`)
  const row = page.locator(`[data-user="${email}"]`)
  await expect(row).toBeVisible()
  const choose = async (action: string) => {
    await row.getByRole('button', { name: /Actions for Max Managed/ }).click()
    await page.getByRole('menuitem', { name: action }).click()
  }
  await choose('Make administrator')
  await expect(row.getByText('Administrator')).toBeVisible()
  await choose('Take administration away')
  await expect(row.getByText('Administrator')).toHaveCount(0)
  await choose('Mail a link for a new password')
  await expect.poll(() => linkTo(email, 'reset-password').catch(() => '')).toContain('#')
  await choose('Disable the account')
  await expect(row.getByText('Disabled')).toBeVisible()
  await expectAccessible(page)
  await person.goto('/account')
  await expect(person).toHaveURL(/sign-in/)
  await choose('Enable the account')
  await expect(row.getByText('Disabled')).toHaveCount(0)

  // The last administrator stays, and is told why.
  await page.getByRole('searchbox').fill(credentials().email)
  const own = page.locator(`[data-user="${credentials().email}"]`)
  await own.getByRole('button', { name: /Actions for/ }).click()
  await page.getByRole('menuitem', { name: 'Take administration away' }).click()
  await expect(page.getByText('Make somebody else an administrator first.').first()).toBeVisible()
})
