import type { Page, Route } from '@playwright/test'
import { api } from '../sample'

const NAME = 'Maximiliane-Friederike von Hohenstein-Wittelsbach, Braking Systems'
const author = { id: '0190a5a0-0000-7000-8000-000000000001', display_name: NAME }
const ago = (minutes: number): string => new Date(Date.now() - minutes * 60_000).toISOString()
const file = { name: 'verification.json', media_type: 'application/json', size: 4096 }

/** One job of each state, with the longest names and texts that it may have. */
function jobs(project: string, mine: string): object[] {
  const job = {
    project,
    kind: 'exchange.export',
    state: 'queued',
    phase: 'queued',
    done: 0,
    total: 0,
    author,
    attempts: 0,
    most_attempts: 5,
    error: null,
    result: null,
    file: null,
    cancel_requested: false,
    created_at: ago(1),
    run_at: ago(1),
    started_at: null as string | null,
    finished_at: null as string | null,
    expires_at: null as string | null,
  }
  const ended = { started_at: ago(9), finished_at: ago(2), expires_at: ago(-6 * 24 * 60) }
  const verified = { ...job, ...ended, kind: 'versioning.verify', state: 'done', phase: 'done', file }
  const interrupted = {
    code: 'job_interrupted',
    detail: 'The database or the disk did not answer.',
  }
  const crashed = {
    code: 'attachment_unreadable_while_exporting',
    detail:
      'The file “Prüfprotokoll_Bremsanlage_Hinterachse_2026-11-29_endgültig_v12_unterschrieben_und_freigegeben.pdf” of item BRK-4711 cannot be read. ' +
      'Attach it again, or remove it from the item, and start the export anew.',
  }
  const running = { ...job, state: 'running', phase: 'reading', started_at: ago(1), attempts: 1 }
  return [
    job,
    { ...running, kind: 'versioning.verify', done: 41_200, total: 180_000 },
    { ...running, phase: 'writing', done: 7_400_000, cancel_requested: true },
    { ...job, attempts: 2, error: interrupted },
    { ...verified, result: { ok: true, problems: 0 }, author: { ...author, id: mine } },
    { ...verified, result: { ok: false, problems: 3 }, author: { ...author, id: mine } },
    { ...job, ...ended, state: 'failed', phase: 'failed', attempts: 1, error: crashed },
    { ...job, ...ended, state: 'dead', phase: 'dead', attempts: 5, error: interrupted },
    { ...job, ...ended, state: 'cancelled', phase: 'cancelled', cancel_requested: true },
    { ...job, ...ended, kind: 'versioning.seal', author: null, state: 'done', phase: 'done' },
    { ...verified, file, author: { ...author, id: mine }, result: { ok: true }, expires_at: ago(1) },
    { ...job, kind: 'reports.print-everything-that-a-newer-server-knows', state: 'done' },
  ].map((one, number) => ({ ...one, id: `0190a5a0-0000-7000-8000-0000000001${10 + number}` }))
}

/** Has something answered by the test, until the page goes elsewhere. */
async function standIn(page: Page, address: RegExp, answer: Parameters<Route['fulfill']>[0]): Promise<void> {
  await page.route(address, (route) => route.fulfill(answer))
  page.once('domcontentloaded', () => void page.unroute(address))
}

/** Shows a list in which every state occurs. */
export async function everyState(page: Page, project: string): Promise<void> {
  const { id } = await api<{ id: string }>('GET', '/me')
  const list = /\/api\/v1\/(admin\/|projects\/[^/]+\/)?jobs(\?|$)/
  await standIn(page, list, { json: { jobs: jobs(project, id), next: null } })
  await page.getByRole('combobox').last().selectOption({ index: 1 }, { timeout: 30_000 })
  await page.getByTestId('job').nth(10).waitFor({ timeout: 30_000 })
}

/** Shows what the page says while nothing can be saved. */
export async function readOnly(page: Page): Promise<void> {
  const headers = { 'Reqtrail-Degraded': 'unavailable', 'Retry-After': '60' }
  const json = { code: 'database_unavailable', title: 'Away', detail: 'Try again in a few seconds.' }
  await standIn(page, /\/verifications$/, { status: 503, headers, json })
  await standIn(page, /\/health\/ready$/, { json: { database: 'read-only' } })
  await page.getByRole('button', { name: 'Verify history' }).click()
  await page.getByTestId('read-only-banner').waitFor({ timeout: 30_000 })
}
