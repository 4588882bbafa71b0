import { test as unguarded } from '@playwright/test'
import { randomUUID } from 'node:crypto'
import { corporaAreThere, expectNothingRan, markup, parts, texts, watchForScripts } from './corpora'
import { escaped, textsReqif } from './reqif'
import { api, SampleProject, type SampleDocument } from './sample'
import { expect, signIn, test } from './session'

// Hostile texts through every door to the screen. The guarded test fails on what the page's policy had to stop, too.
test.describe.configure({ timeout: process.env.E2E_LONG === '1' ? 3_600_000 : 120_000 })
test.skip(!corporaAreThere, 'the shared corpora are not beside this clone')
unguarded.skip(!corporaAreThere, 'the shared corpora are not beside this clone')
test.use({ viewport: { width: 1440, height: 6_000 } })
unguarded.use({ viewport: { width: 1440, height: 6_000 } })

const A_SCREEN = 40
const LAST = 'The last row of all'

/** Adds requirements with these titles and rich texts, and one to wait for. */
async function fill(document: SampleDocument, rows: { title: string; text?: string }[]): Promise<void> {
  const { project } = document
  const [title, text] = [project.attribute('Requirement', 'Title'), project.attribute('Requirement', 'Text')]
  const operations = [...rows, { title: LAST }].flatMap((row) => {
    const [item, placement] = [randomUUID(), randomUUID()]
    const attributes = { [title]: row.title, ...('text' in row ? { [text]: row.text } : {}) }
    const fields = { type_id: project.type('Requirement').id, attributes }
    const position = { document_id: document.id, parent_id: null }
    return [
      { op: 'create' as const, kind: 'item', id: item, fields },
      { op: 'create' as const, kind: 'placement', id: placement, fields: { item_id: item }, position },
    ]
  })
  await project.commit(operations, 'Texts')
}

test('rich texts and titles of the corpora run nothing, and titles stand there as written', async ({
  page,
}) => {
  await watchForScripts(page)
  await signIn(page)
  for (const part of parts(markup(A_SCREEN), A_SCREEN)) {
    const project = await SampleProject.make()
    const document = await project.document('Texts')
    await fill(
      document,
      part.map((text) => ({ title: text.slice(0, 500), text })),
    )
    await page.goto(document.path)
    await expect(page.getByRole('row').filter({ hasText: LAST }).first()).toBeVisible()
    await expectNothingRan(page)
    const shown = (await page.getByRole('treegrid').textContent()) ?? ''
    expect(part.map((text) => text.slice(0, 500)).filter((text) => !shown.includes(text.trim()))).toEqual([])
    const { items } = await api<{ items: { key: string }[] }>('GET', `/projects/${project.key}/items?limit=3`)
    for (const { key } of items) {
      await page.goto(`/p/${project.key}/i/${key}`)
      await expect(page.locator('main').first()).toContainText(key)
      await expectNothingRan(page)
    }
  }
})

test('an import with texts of the corpora runs nothing', async ({ page }) => {
  await watchForScripts(page)
  await signIn(page)
  // An empty page has no policy, which parsing would violate.
  const empty = await page.context().newPage()
  for (const part of parts(markup(A_SCREEN), A_SCREEN)) {
    const project = await SampleProject.make()
    // Only what is well-formed can stand in a file as markup.
    const wellFormed = await empty.evaluate((given) => {
      const parser = new DOMParser()
      const isFit = (text: string): boolean =>
        !parser
          .parseFromString(`<div xmlns="http://www.w3.org/1999/xhtml">${text}</div>`, 'application/xml')
          .querySelector('parsererror')
      return given.filter((text) => !text.includes('<!') && isFit(text))
    }, part)
    await project.importReqif('texts.reqif', textsReqif([...part, LAST], wellFormed))
    const document = await project.firstDocument()
    await page.goto(document.path)
    await expect(page.getByRole('row').filter({ hasText: LAST }).first()).toBeVisible()
    await expectNothingRan(page)
  }
})

test('names of the corpora run nothing', async ({ page }) => {
  await watchForScripts(page)
  await signIn(page)
  for (const part of parts(markup(8), 20)) {
    const project = await SampleProject.make()
    const names = part.map((text) => text.trim().slice(0, 190))
    for (const name of names) {
      await api('PATCH', `/projects/${project.key}`, { name, description: name })
      await project.document(name)
      // Names of versions have rules of their own: what they refuse is shown nowhere.
      await api('POST', `/projects/${project.key}/baselines`, { name, description: name }).catch(() => null)
      await api('POST', `/projects/${project.key}/branches`, { name }).catch(() => null)
    }
    for (const path of ['/', ...['', '/baselines', '/branches', '/history', '/settings'].map(below)]) {
      await page.goto(path)
      await expect(page.locator('main').first()).toBeVisible()
      await page.waitForLoadState('networkidle')
      await expectNothingRan(page)
    }
    await page.goto(below(''))
    await expect(page.locator('body')).toContainText(names.at(-1) ?? '')
    function below(path: string): string {
      return `/p/${project.key}${path}`
    }
  }
})

test('files named as in the corpora, and active ones, run nothing', async ({ page }) => {
  await watchForScripts(page)
  await signIn(page)
  const names = [...markup(8), ...texts(8, 'upload_names', 'path_traversal')]
  for (const part of parts(names, A_SCREEN)) {
    const project = await SampleProject.make()
    const document = await project.document('Files')
    const paths: string[] = []
    for (const name of part) {
      const form = new FormData()
      form.append('file', new Blob([`<script>alert(${paths.length})</script>`]), name.slice(0, 200))
      paths.push((await api<{ path: string }>('POST', `/projects/${project.key}/files`, form)).path)
    }
    const text = paths.map((path) => `<p><a href="x" data-path="${escaped(path)}">file</a></p>`).join('')
    await fill(document, [{ title: 'Files', text }])
    const { items } = await api<{ items: { key: string; title: string }[] }>(
      'GET',
      `/projects/${project.key}/items`,
    )
    const item = items.find((found) => found.title === 'Files')
    await page.goto(`/p/${project.key}/i/${item?.key ?? 'none'}`)
    const links = page.locator('main a[href*="/files/"]')
    await expect(links.first()).toBeVisible()
    await expectNothingRan(page)
    const address = (await links.first().getAttribute('href')) ?? ''
    const answer = await page.request.get(address)
    expect(answer.headers()['content-disposition']).toMatch(/^attachment/)
  }
})

unguarded.describe('without the policy', () => {
  unguarded.use({ bypassCSP: true })

  unguarded('a planted script is found, by what it does and by what stands there', async ({ page }) => {
    await watchForScripts(page)
    await page.goto('/sign-in')
    await page.evaluate(() =>
      document.body.insertAdjacentHTML('beforeend', '<img src="x:" onerror="alert(1)">'),
    )
    await expect(expectNothingRan(page)).rejects.toThrow('onerror')
    await page.evaluate(() => document.querySelector('[onerror]')?.remove())
    await expect(expectNothingRan(page)).rejects.toThrow('alert 1')
  })

  unguarded('what a server let through, the page itself cleans', async ({ page }) => {
    await watchForScripts(page)
    await signIn(page)
    const project = await SampleProject.make()
    const document = await project.document('Raw')
    await fill(
      document,
      Array.from({ length: A_SCREEN }, (_, n) => ({ title: `Row ${n}`, text: '<p>x</p>' })),
    )
    let part: string[] = []
    let replaced = 0
    await page.route('**/rows?**', async (route) => {
      const answer = await route.fetch()
      const content = (await answer.json()) as { rows: { item: { text: string | null } | null }[] }
      content.rows.forEach(({ item }, n) => {
        if (item === null || part[n] === undefined) return
        item.text = part[n]
        replaced += 1
      })
      await route.fulfill({ response: answer, json: content })
    })
    for (part of parts(markup(A_SCREEN), A_SCREEN)) {
      replaced = 0
      await page.goto(document.path)
      await expect(page.getByRole('row').filter({ hasText: LAST }).first()).toBeVisible()
      expect(replaced).toBeGreaterThanOrEqual(part.length)
      await expectNothingRan(page)
    }
  })
})
