import { expect, type Locator, type Page } from '@playwright/test'

export const SMALL = '../examples/reqif/small.reqif'
/** How long an import or an export may take on a busy machine. */
export const JOB_MS = 60_000

/** The screen of imports and exports. */
export class ExchangeScreen {
  readonly report: Locator
  readonly progress: Locator
  readonly done: Locator
  readonly failed: Locator

  constructor(
    readonly page: Page,
    readonly project: string,
  ) {
    this.report = page.getByTestId('import-report')
    this.progress = page.getByTestId('job-progress')
    this.done = page.getByTestId('import-done')
    this.failed = page.getByTestId('import-failed')
  }

  async open(): Promise<void> {
    await this.page.goto(`/p/${this.project}/exchange`)
    await expect(this.page.getByTestId('import-drop')).toBeVisible()
  }

  async choose(file: string | { name: string; mimeType: string; buffer: Buffer }): Promise<void> {
    await this.page.locator('input[type=file]').setInputFiles(file)
  }

  /** Drops a file on the page, as from a folder. */
  async drop(name: string, content: string): Promise<void> {
    const data = await this.page.evaluateHandle(
      ([name, content]) => {
        const transfer = new DataTransfer()
        transfer.items.add(new File([content], name))
        return transfer
      },
      [name, content] as const,
    )
    await this.page.getByTestId('import-drop').dispatchEvent('drop', { dataTransfer: data })
  }

  count(name: string): Locator {
    return this.page.locator(`[data-count=${name}] dd`)
  }

  async commit(): Promise<void> {
    await this.report.getByRole('button', { name: 'Import as one commit' }).click()
    await expect(this.done).toBeVisible({ timeout: JOB_MS })
  }
}
