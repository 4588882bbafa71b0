import type { Page } from '@playwright/test'
import { mkdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { api } from '../sample'
import { expect, signIn, test } from '../session'
import { PROJECTS, type Shown } from './data'
import { everyState, readOnly } from './jobs'

interface Screen {
  name: string
  path: (of: Shown) => string
  /** What is there when the screen is. */
  ready?: string
  act?: (page: Page, of: Shown) => Promise<void>
}

const SCREENS: readonly Screen[] = [
  { name: 'projects', path: () => '/' },
  { name: 'home', path: ({ key }) => `/p/${key}` },
  { name: 'document', path: ({ document }) => document, act: reading },
  { name: 'grid', path: ({ document }) => `${document}?view=grid`, act: reading },
  { name: 'panel', path: ({ document, item }) => `${document}?item=${item}&panel=history`, act: peek },
  { name: 'message', path: ({ document }) => document, act: message },
  { name: 'item', path: ({ key, item }) => `/p/${key}/i/${item}` },
  { name: 'blame', path: ({ key, item }) => `/p/${key}/i/${item}`, act: press('Who wrote this') },
  { name: 'redact', path: ({ key, item }) => `/p/${key}/i/${item}`, act: press('Redact past versions') },
  // The first version has no documents yet.
  { name: 'restore', path: ({ document, from }) => `${document}?at=${Math.max(from, 2)}`, act: restore },
  { name: 'history', path: ({ key }) => `/p/${key}/history` },
  { name: 'compare', path: ({ key, from }) => `/p/${key}/compare?from=${from}&to=main` },
  { name: 'branch-menu', path: ({ key }) => `/p/${key}`, act: branchMenu },
  { name: 'branches', path: ({ key }) => `/p/${key}/branches` },
  {
    name: 'merge',
    path: ({ key, branch }) => (branch ? `/p/${key}/branches/${branch}/merge` : `/p/${key}/branches`),
  },
  { name: 'baselines', path: ({ key }) => `/p/${key}/baselines` },
  { name: 'verified', path: ({ key }) => `/p/${key}/baselines`, act: press('Verify') },
  { name: 'exchange', path: ({ key }) => `/p/${key}/exchange` },
  { name: 'unplaced', path: ({ key }) => `/p/${key}/unplaced` },
  { name: 'deleted', path: ({ key }) => `/p/${key}/deleted` },
  { name: 'settings', path: ({ key }) => `/p/${key}/settings` },
  { name: 'types', path: ({ key }) => `/p/${key}/settings/types` },
  {
    name: 'audit',
    path: ({ key }) => `/p/${key}/audit`,
    act: (page) => page.getByTestId('audit-event').last().click(),
  },
  { name: 'audit-instance', path: () => '/admin/audit' },
  { name: 'audit-nothing', path: ({ key }) => `/p/${key}/audit?q=nowhere` },
  { name: 'jobs', path: () => '/jobs', act: job },
  { name: 'jobs-instance', path: () => '/admin/jobs' },
  { name: 'jobs-project', path: ({ key }) => `/p/${key}/jobs` },
  { name: 'jobs-states', path: ({ key }) => `/p/${key}/jobs`, act: (page, { key }) => everyState(page, key) },
  { name: 'jobs-everywhere', path: () => '/admin/jobs', act: (page, { key }) => everyState(page, key) },
  { name: 'read-only', path: ({ key }) => `/p/${key}/jobs`, act: readOnly },
  { name: 'account', path: () => '/account' },
  { name: 'palette', path: ({ key }) => `/p/${key}`, act: (page) => page.keyboard.press('Control+k') },
  { name: 'not-found', path: ({ key }) => `/p/${key}/nowhere` },
]
const FOLDER = resolve(process.env.SCREENSHOTS ?? '.screenshots')
const WIDTHS = { wide: { width: 1440, height: 900 }, narrow: { width: 390, height: 844 } } as const
const wanted = (name: string, list: string | undefined): boolean => !list || list.split(',').includes(name)

async function reading(page: Page): Promise<void> {
  await expect(page.getByRole('treegrid').or(page.getByTestId('empty-state')).first()).toBeVisible()
}

async function peek(page: Page, { item }: Shown): Promise<void> {
  await reading(page)
  const row = page
    .getByRole('row')
    .filter({ hasText: new RegExp(`${item}\\b`) })
    .first()
  if ((await row.count()) === 0) return
  await row.focus()
  await page.keyboard.press('Space')
}

/** Presses a button, if there is anything that it could be about. */
function press(name: string): (page: Page) => Promise<void> {
  return async (page) => {
    const button = page.getByRole('main').getByRole('button', { name })
    if ((await button.count()) === 0) return
    await button.click()
    await expect(
      page.getByTestId('verified').or(page.getByTestId('blame')).or(page.getByRole('dialog')).first(),
    ).toBeVisible()
  }
}

/** A job to be seen, made by the worker. */
async function job(page: Page, { key }: Shown): Promise<void> {
  await api('POST', `/projects/${key}/verifications`)
  await page.reload()
  await expect(page.getByTestId('job').first()).toContainText('Done')
}

async function branchMenu(page: Page): Promise<void> {
  await page.keyboard.press('b')
  await expect(page.getByRole('option').first()).toBeVisible()
}

async function message(page: Page): Promise<void> {
  await page.keyboard.press('m')
  await page.keyboard.type('Findings of the review in May')
}

/** A chapter of an older version, with all below it. */
async function restore(page: Page): Promise<void> {
  await reading(page)
  const row = page.locator('[role=treegrid] [role=row][data-key]').first()
  if ((await row.count()) === 0) return
  await row.click({ position: { x: 30, y: 12 } })
  await page.keyboard.press('r')
  await expect(page.getByRole('dialog')).toBeVisible()
}

/** The screen as it stays: nothing is loading any more. */
async function settled(page: Page): Promise<void> {
  await expect(page.locator('main, form').first()).toBeVisible()
  await expect(page.getByRole('status', { name: 'Loading…' })).toHaveCount(0, { timeout: 30_000 })
  await page.waitForLoadState('networkidle')
}

for (const [size, make] of Object.entries(PROJECTS)) {
  test(`every screen with ${size} items`, async ({ page }) => {
    test.skip(!wanted(size, process.env.SIZES))
    mkdirSync(FOLDER, { recursive: true })
    const shown = await make()
    const failed: string[] = []
    await signIn(page)
    // A page of the instance, since the theme is kept for it.
    await page.goto('/')
    for (const [width, viewport] of Object.entries(WIDTHS)) {
      await page.setViewportSize(viewport)
      for (const theme of ['light', 'dark']) {
        await page.evaluate((value) => localStorage.setItem('reqtrail-theme', value), theme)
        for (const screen of SCREENS) {
          if (!wanted(screen.name, process.env.SCREENS)) continue
          try {
            await page.goto(screen.path(shown))
            await settled(page)
            await screen.act?.(page, shown)
            await settled(page)
          } catch (error) {
            failed.push(`${screen.name}, ${width}, ${theme}: ${String(error).split('\n')[0]}`)
          }
          await page.screenshot({
            animations: 'disabled',
            path: resolve(FOLDER, `${shown.name}-${screen.name}-${width}-${theme}.png`),
          })
        }
      }
    }
    expect(failed).toEqual([])
  })
}

test('the way in', async ({ page }) => {
  mkdirSync(FOLDER, { recursive: true })
  for (const [width, viewport] of Object.entries(WIDTHS)) {
    await page.setViewportSize(viewport)
    for (const theme of ['light', 'dark']) {
      await page.goto('/sign-in')
      await page.evaluate((value) => localStorage.setItem('reqtrail-theme', value), theme)
      await page.reload()
      await settled(page)
      await page.screenshot({ path: resolve(FOLDER, `sign-in-${width}-${theme}.png`) })
    }
  }
})
