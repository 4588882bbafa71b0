import { api, SampleProject } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

test('the history of a document lists its own changes, shows each, and goes back to any of them', async ({
  page,
}) => {
  const project = await SampleProject.make()
  const text = project.attribute('Requirement', 'Text')
  const document = await project.document('Brakes', ['Hold | Hold the vehicle.', 'Release'])
  await project.document('Doors', ['Open'])
  await project.change(`${project.key}-1`, { [text]: '<p>Hold the loaded vehicle.</p>' })
  await project.change(`${project.key}-3`, { [text]: '<p>Open when it stands.</p>' })
  await signIn(page)

  await page.goto(document.path)
  await page.getByRole('link', { name: 'History of this document' }).click()
  await expect(page.getByRole('heading', { name: 'History of Brakes' })).toBeVisible()
  const entries = page.getByTestId('timeline-entry')
  await expect(entries).toHaveCount(3)
  await expect(entries.nth(0)).toContainText('as it is now')
  await expect(entries.nth(0)).toContainText('1 item')
  await expectAccessible(page)

  // What the newest change did, and nothing of the other document.
  await entries.nth(0).getByRole('link').first().click()
  await expect(page).toHaveURL(/compare/)
  await expect(page.getByText('loaded').first()).toBeVisible()
  await expect(page.getByText('when it stands')).toHaveCount(0)
  await page.goBack()

  // How the document stood before it, and its history up to there.
  await entries
    .nth(1)
    .getByRole('link', { name: /^View the document at version/ })
    .click()
  await expect(page.getByTestId('time-travel')).toBeVisible()
  await expect(page.getByText('Hold the vehicle.').first()).toBeVisible()
  await page.keyboard.press('h')
  await expect(entries).toHaveCount(2)
  await expect(page.getByText('as it is now')).toHaveCount(0)

  // On a branch the changes below it come first, then its own.
  await api('POST', `/projects/${project.key}/branches`, { name: 'winter' })
  await api('PATCH', `/projects/${project.key}/items/${project.key}-2?branch=winter`, {
    attributes: { [text]: '<p>Release when warm.</p>' },
  })
  await page.goto(`${document.path}/history?at=winter`)
  await expect(entries).toHaveCount(4)
  await entries
    .nth(1)
    .getByRole('link', { name: /^Compare version/ })
    .click()
  await expect(page).toHaveURL(/to=winter/)
  await expect(page.getByText('when warm').first()).toBeVisible()
})
