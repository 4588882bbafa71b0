import { test as unguarded } from '@playwright/test'
import { expect, signIn, test } from './session'

// Every other test fails on a violation too (`session.ts`). Here the rule itself is tested, and the screens that no
// other test opens.
test.describe.configure({ timeout: 180_000 })

const SCREENS = ['/', '/account', '/p/RQT', '/p/RQT/history', '/p/RQT/branches', '/p/RQT/baselines']
const MORE = [
  '/p/RQT/exchange',
  '/p/RQT/settings',
  '/p/RQT/settings/types',
  '/p/RQT/unplaced',
  '/p/RQT/nowhere',
]

test('no screen needs what the policy forbids', async ({ page }) => {
  await signIn(page)
  for (const path of [...SCREENS, ...MORE]) {
    await page.goto(path)
    await expect(page.locator('main').first()).toBeVisible()
    await page.waitForLoadState('networkidle')
  }
})

test('the page of the API needs nothing that the policy forbids', async ({ page }) => {
  await page.goto('/api/v1/docs')
  await expect(page.locator('#operations details').first()).toBeVisible()
  await page.locator('#operations summary').first().click()
  await page.getByLabel('Filter').fill('sign')
})

unguarded('what the policy forbids does not happen', async ({ page }) => {
  await page.goto('/sign-in')
  const forbidden = await page.evaluate(async () => {
    const seen: string[] = []
    document.addEventListener('securitypolicyviolation', (event) => seen.push(event.effectiveDirective))
    const add = (name: string, fields: Record<string, string>): void => {
      document.body.append(Object.assign(document.createElement(name), fields))
    }
    add('script', { textContent: 'window.ran = true' })
    add('script', { src: 'https://evil.test/x.js' })
    add('style', { textContent: 'body { display: none }' })
    add('iframe', { src: '/sign-in' })
    add('object', { data: '/favicon.svg' })
    add('img', { src: 'https://evil.test/x.png' })
    document.body.insertAdjacentHTML('beforeend', '<img src="x:" onerror="window.ran = true">')
    await fetch('https://evil.test/').catch(() => undefined)
    try {
      setTimeout('window.ran = true', 0)
    } catch {
      seen.push('thrown')
    }
    await new Promise((resolve) => setTimeout(resolve, 500))
    return { seen: [...new Set(seen)].sort(), ran: 'ran' in window }
  })
  expect(forbidden.ran).toBe(false)
  expect(forbidden.seen).toEqual(
    expect.arrayContaining([
      ...['connect-src', 'frame-src', 'img-src', 'object-src', 'script-src'],
      ...['script-src-attr', 'script-src-elem', 'style-src-elem'],
    ]),
  )
})
