import { type Page } from '@playwright/test'
import { api } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

interface Screen {
  name: string
  path: string
  /** Shown once the screen has its data. */
  ready: string
}

/** Every screen, with the demo project's own data. */
async function screens(): Promise<Screen[]> {
  const { documents } = await api<{ documents: { id: string }[] }>('GET', '/projects/RQT/documents')
  return [
    { name: 'projects', path: '/', ready: 'a[href="/p/RQT"]' },
    { name: 'home', path: '/p/RQT', ready: '#activity ~ ol, #activity' },
    { name: 'document', path: `/p/RQT/d/${documents[0]?.id}`, ready: '[role=treegrid] [role=row]' },
    {
      name: 'document at a version',
      path: `/p/RQT/d/${documents[0]?.id}?at=3`,
      ready: '[data-testid=time-travel]',
    },
    { name: 'item', path: '/p/RQT/i/RQT-5', ready: 'main h1' },
    { name: 'history', path: '/p/RQT/history', ready: 'main ol li' },
    { name: 'compare, to begin', path: '/p/RQT/compare', ready: '[data-testid=empty-state]' },
    { name: 'compare', path: '/p/RQT/compare?from=2&to=8', ready: '[data-testid=compare-entry]' },
    {
      name: 'side by side',
      path: '/p/RQT/compare?from=2&to=8&view=split&whole=1',
      ready: '[data-testid=compare-entry]',
    },
    { name: 'exchange', path: '/p/RQT/exchange', ready: '[data-testid=import-drop]' },
    { name: 'settings', path: '/p/RQT/settings', ready: 'main h1' },
    { name: 'types', path: '/p/RQT/settings/types', ready: 'main h1' },
    { name: 'account', path: '/account', ready: 'main h1' },
    { name: 'nothing there', path: '/no/such/page', ready: 'main h1' },
  ]
}

async function open(page: Page, screen: Screen): Promise<void> {
  await page.goto(screen.path)
  await expect(page.locator(screen.ready).first()).toBeVisible()
  await expect(page.getByRole('main').locator('[data-slot=base].animate-pulse')).toHaveCount(0)
}

/** Elements that reach beyond the window, so that it would have to be scrolled sideways. */
function sidewaysScroll(page: Page): Promise<number> {
  return page.evaluate(() => {
    const main = document.querySelector('#content') ?? document.documentElement
    return Math.max(
      document.documentElement.scrollWidth - window.innerWidth,
      main.scrollWidth - main.clientWidth,
    )
  })
}

for (const scheme of ['light', 'dark'] as const) {
  for (const width of [1440, 390]) {
    test(`convention 17: accessibility and comfort, ${scheme}, ${width} px`, async ({ page }) => {
      test.setTimeout(240_000)
      await page.emulateMedia({ colorScheme: scheme })
      await page.setViewportSize({ width, height: 900 })
      await page.goto('/sign-in')
      await expectAccessible(page)
      await signIn(page)
      await expect(page.locator('html')).toHaveClass(scheme === 'dark' ? /dark/ : /^(?!.*dark)/)
      for (const screen of await screens()) {
        await test.step(screen.name, async () => {
          await open(page, screen)
          await expectAccessible(page)
          expect(await sidewaysScroll(page), `${screen.name} scrolls sideways`).toBeLessThanOrEqual(0)
        })
      }
    })
  }
}

test('convention 17: accessibility and comfort, 200 % zoom', async ({ page }) => {
  test.setTimeout(180_000)
  await signIn(page)
  // What a browser does at 200 %: half as many CSS pixels, twice as many dots each.
  await page.setViewportSize({ width: 640, height: 400 })
  for (const screen of await screens()) {
    await test.step(screen.name, async () => {
      await open(page, screen)
      expect(await sidewaysScroll(page), `${screen.name} scrolls sideways`).toBeLessThanOrEqual(0)
    })
  }
  await expectAccessible(page)
})

test('convention 17: accessibility and comfort, keys, announcements, motion, connection', async ({
  page,
  context,
}) => {
  test.setTimeout(120_000)
  await signIn(page)
  const announcer = page.getByTestId('announcer')

  // Every stop of the Tab key is visible, and the first one skips to the content.
  for (const path of ['/', '/p/RQT', '/p/RQT/exchange', '/p/RQT/history', '/account']) {
    await page.goto(path)
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
    for (let stop = 0; stop < 14; stop += 1) {
      await page.keyboard.press('Tab')
      expect(await focusMark(page), `${path}, stop ${stop + 1}`).toBe('')
    }
  }
  await page.goto('/p/RQT')
  await expect(page.getByRole('heading', { level: 1 })).toBeVisible()
  await page.keyboard.press('Tab')
  await expect(page.locator(':focus')).toHaveText('Skip to content')
  await page.keyboard.press('Enter')
  await expect(page.locator('#content')).toBeFocused()

  // A change of page is announced, as a page load would be.
  await page.getByRole('link', { name: 'History', exact: true }).click()
  await expect(announcer).toHaveText('History · RQT')
  await expect(page).toHaveTitle(/^History · RQT/)

  // Nothing moves for those who asked for that.
  await page.emulateMedia({ reducedMotion: 'reduce' })
  await page.goto('/')
  const longest = await page.evaluate(() =>
    Math.max(
      ...[...document.querySelectorAll('*')].flatMap((element) => {
        const style = getComputedStyle(element)
        return [style.transitionDuration, style.animationDuration].flatMap((all) =>
          all.split(',').map((one) => (one.trim().endsWith('ms') ? parseFloat(one) / 1000 : parseFloat(one))),
        )
      }),
    ),
  )
  expect(longest).toBeLessThan(0.001)

  // Light, dark, or as the system says; remembered.
  await page.emulateMedia({ colorScheme: 'dark' })
  await page.goto('/account')
  await expect(page.locator('html')).toHaveClass(/dark/)
  await page.getByRole('radio', { name: 'Light' }).check({ force: true })
  await expect(page.locator('html')).not.toHaveClass(/dark/)
  await page.reload()
  await expect(page.locator('html')).not.toHaveClass(/dark/)
  await page.getByRole('radio', { name: 'System' }).check({ force: true })
  await expect(page.locator('html')).toHaveClass(/dark/)
  await expectAccessible(page)

  // Without a connection the page says so, and takes it back.
  await context.setOffline(true)
  await expect(page.getByTestId('offline-banner')).toContainText('You are offline.')
  await expectAccessible(page)
  await context.setOffline(false)
  await expect(page.getByTestId('offline-banner')).toBeHidden()
  await expect(announcer).toHaveText('You are online again.')
})

/** Empty if one sees where the focus is; else what has it. */
function focusMark(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement
    if (!element || element === document.body) return ''
    const marks = (node: Element) => {
      const style = getComputedStyle(node)
      return (
        (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) > 0) || style.boxShadow !== 'none'
      )
    }
    // A radio button or a switch may show its mark on the label around it.
    const seen =
      marks(element) || [element.closest('label'), element.parentElement].some((node) => node && marks(node))
    return seen ? '' : element.outerHTML.slice(0, 200)
  })
}
