import { expect, type Locator, type Page } from '@playwright/test'
import type { SampleDocument } from '../sample'

/** The screen of a document, as its user sees it. */
export class DocumentScreen {
  readonly grid: Locator
  readonly panel: Locator

  constructor(readonly page: Page) {
    this.grid = page.getByRole('treegrid')
    this.panel = page.getByRole('complementary', { name: /^Item / })
  }

  async open(document: SampleDocument, query: Record<string, string> = {}, timeout = 10_000): Promise<void> {
    await this.page.goto(`${document.path}?${new URLSearchParams(query)}`)
    await expect(this.grid.getByRole('row').first()).toBeVisible({ timeout })
  }

  /** The rows that are in the page. */
  get rows(): Locator {
    return this.grid.locator('[role=row][data-key]')
  }

  row(text: string): Locator {
    return this.rows.filter({ hasText: text })
  }

  /** The cell of a row under a column, by the column's name. */
  async cell(row: string, column: string): Promise<Locator> {
    const header = this.grid.getByRole('columnheader', { name: column, exact: true })
    const at = await header.getAttribute('aria-colindex')
    return this.row(row).locator(`[aria-colindex="${at}"]`)
  }

  async focusRow(text: string): Promise<void> {
    await this.row(text)
      .first()
      .click({ position: { x: 30, y: 12 } })
    // What is typed next must reach the row.
    await this.expectFocus(text)
  }

  async expectFocus(text: string): Promise<void> {
    await expect(this.rows.and(this.page.locator(':focus, :has(:focus)'))).toContainText(text)
  }

  /** The titles of the rows in the page, from top to bottom. */
  async shown(): Promise<string[]> {
    const rows = await this.rows.evaluateAll((elements) =>
      elements
        .map((element) => ({ at: Number(element.getAttribute('aria-rowindex')), text: element.textContent }))
        .sort((a, b) => a.at - b.at),
    )
    return rows.map((row) => row.text.replace(/\s+/g, ' ').trim())
  }

  /** Waits until nothing is on its way to the server. */
  async saved(): Promise<void> {
    await expect(this.page.getByText('Saving…')).toHaveCount(0)
  }

  /** How many elements in the grid the Tab key stops at. */
  tabStops(): Promise<number> {
    return this.grid.locator('[tabindex="0"]').count()
  }
}
