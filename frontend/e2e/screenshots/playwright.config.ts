import { fileURLToPath } from 'node:url'
import base from '../../playwright.config'

const FRONTEND = fileURLToPath(new URL('../..', import.meta.url))

/** Pictures of every screen, to be looked at by people: `make screenshots`. They assert nothing but that a screen came. */
export default {
  ...base,
  testDir: '.',
  testMatch: '*.shots.ts',
  outputDir: '../../test-results/screenshots',
  timeout: 900_000,
  use: { ...base.use, trace: 'off' as const },
  // The servers are started from the frontend's folder, as for the other browser tests.
  webServer: [base.webServer ?? []].flat().map((server) => ({ ...server, cwd: FRONTEND })),
}
