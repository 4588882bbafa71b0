import { createServer, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { credentials, expect, test } from './session'

const DELAY_MS = 700

/** A slow line in front of the instance: what answers a refresh comes late. */
async function slowLine(target: string): Promise<Server> {
  const { hostname, port } = new URL(target)
  const line = createServer((asked, answer) => {
    const passed = request(
      { hostname, port, path: asked.url, method: asked.method, headers: asked.headers },
      (got) => {
        const tell = () => {
          answer.writeHead(got.statusCode ?? 502, got.headers)
          got.pipe(answer)
        }
        setTimeout(tell, asked.url?.endsWith('/auth/refresh') ? DELAY_MS : 0)
      },
    )
    passed.on('error', () => answer.destroy())
    asked.pipe(passed)
  })
  await new Promise<void>((resolve) => line.listen(0, '127.0.0.1', resolve))
  return line
}

test('a page that is left while it renews the sign-in ends it for nobody', async ({ browser, baseURL }) => {
  const line = await slowLine(String(baseURL))
  const page = await browser.newPage()
  const site = `http://127.0.0.1:${String((line.address() as AddressInfo).port)}`
  const { email, password } = credentials()
  const answer = await page.request.post(`${site}/api/v1/auth/sign-in`, { data: { email, password } })
  expect(answer.status()).toBe(200)
  for (let left = 0; left < 3; left += 1) {
    const renewing = page.waitForRequest('**/auth/refresh')
    await page.goto(`${site}/account`, { waitUntil: 'commit' })
    await renewing
  }
  await page.goto(site)
  await expect(page.getByRole('heading', { level: 1, name: 'Projects' })).toBeVisible()
  await page.close()
  line.closeAllConnections()
  line.close()
})
