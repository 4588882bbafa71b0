import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from '@playwright/test'
import { credentials } from './session'

function log(): string {
  return readFileSync(join(process.env.E2E_HOME ?? '', 'e2e.log'), 'utf8')
}

// Without the guard of the other tests: here errors are thrown on purpose.
test('an error in the page is a line in the log of the server', async ({ page }) => {
  const violations: string[] = []
  page.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) violations.push(message.text())
  })
  const { email, password } = credentials()
  await page.request.post('/api/v1/auth/sign-in', { data: { email, password } })
  await page.goto('/p/RQT')
  await expect(page.locator('main').first()).toBeVisible()
  const told = page.waitForResponse('**/api/v1/client-errors')
  await page.evaluate(() => {
    setTimeout(() => {
      throw new RangeError('zyzzyva: what somebody wrote')
    })
  })
  expect((await told).status()).toBe(204)
  const again = page.waitForResponse('**/api/v1/client-errors')
  await page.evaluate(() => {
    void Promise.reject(new EvalError('zyzzyva: what somebody wrote'))
  })
  expect((await again).status()).toBe(204)
  await expect.poll(log).toMatch(/client_error.*kind=error.*name=RangeError.*route=\/p\/:/)
  await expect.poll(log).toMatch(/client_error.*kind=rejection.*name=EvalError/)
  expect(log()).not.toContain('zyzzyva')
  expect(violations).toEqual([])
})
