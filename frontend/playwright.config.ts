import { defineConfig } from '@playwright/test'
import { existsSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const port = Number(process.env.E2E_PORT ?? 8790)
const home = process.env.E2E_HOME ?? join(tmpdir(), `reqtrail-e2e-${process.pid}`)
// The sign-in provider of the tests listens beside the instance.
const providerPort = Number(process.env.E2E_PROVIDER_PORT ?? port + 1)
const providerAddress = `http://127.0.0.1:${providerPort}`
const providerArguments = {
  redirectUris: {
    one: [`http://127.0.0.1:${port}/api/v1/auth/single-sign-on/example/callback`],
    two: [`http://127.0.0.1:${port}/unused`],
  },
  ports: { one: providerPort },
}
const signInProvider = {
  id: 'example',
  name: 'Example',
  issuer: providerAddress,
  client_id: 'reqtrail',
  client_secret: 'known-to-the-tests-alone',
}
process.env.E2E_HOME = home
process.env.E2E_PORT = String(port)
mkdirSync(home, { recursive: true, mode: 0o700 })

const chromium = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/google-chrome'].find(
  (path) => path && existsSync(path),
)

export default defineConfig({
  testDir: 'e2e',
  fullyParallel: false,
  workers: 1,
  // Generous, since the machine may be busy: a test that passes does not wait for it.
  timeout: 120_000,
  expect: { timeout: 15_000 },
  forbidOnly: Boolean(process.env.CI),
  reporter: [['list']],
  use: {
    baseURL: `http://127.0.0.1:${port}`,
    viewport: { width: 1440, height: 900 },
    launchOptions: {
      executablePath: chromium,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
    // No film of each test, which costs a fifth of a run: steps, the page at each, and a picture of the end tell enough.
    trace: { mode: 'retain-on-failure', screenshots: false, snapshots: true, sources: true },
    screenshot: 'only-on-failure',
  },
  // A whole instance with the demo project, started as a user starts it.
  webServer: [
    {
      // Without a shell in between, so that the provider notices when a run is killed.
      command: `exec node e2e/oidc/provider.mjs '${JSON.stringify(providerArguments)}'`,
      url: `${providerAddress}/.well-known/openid-configuration`,
      timeout: 60_000,
    },
    {
      // The log is kept for the tests that look into it.
      command: 'exec ../.venv/bin/python -m reqtrail up >> "$REQTRAIL_HOME/e2e.log"',
      url: `http://127.0.0.1:${port}/api/v1/health/ready`,
      timeout: 90_000,
      gracefulShutdown: { signal: 'SIGINT', timeout: 20_000 },
      env: {
        REQTRAIL_HOME: home,
        REQTRAIL_PORT: String(port),
        REQTRAIL_BCRYPT_ROUNDS: '4',
        // Two, so that what one tab does reaches another one at another process.
        REQTRAIL_API_PROCESSES: '2',
        REQTRAIL_SIGN_IN_LIMIT: '1000',
        REQTRAIL_OUTBOUND_ALLOW: '127.0.0.1',
        // So that a merge of a small project is one that the server does by itself.
        REQTRAIL_MERGE_LARGE_FROM: '20',
        NO_COLOR: '1',
        REQTRAIL_SIGN_IN_PROVIDERS: JSON.stringify([signInProvider]),
      },
    },
  ],
})
