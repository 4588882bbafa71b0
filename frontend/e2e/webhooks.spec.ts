import { createHmac } from 'node:crypto'
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { api, SampleProject } from './sample'
import { expect, expectAccessible, signIn, test } from './session'

interface Told {
  headers: IncomingHttpHeaders
  body: string
}

/** The other side of a webhook: keeps what it is told, and answers with `status`. */
class Receiver {
  readonly told: Told[] = []
  status = 204
  private constructor(
    private readonly server: Server,
    readonly url: string,
  ) {}

  static async start(): Promise<Receiver> {
    const server = createServer()
    await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
    const { port } = server.address() as AddressInfo
    const receiver = new Receiver(server, `http://127.0.0.1:${port}/in`)
    server.on('request', (request, response) => {
      let body = ''
      request.on('data', (piece: Buffer) => (body += piece.toString()))
      request.on('end', () => {
        receiver.told.push({ headers: request.headers, body })
        response.writeHead(receiver.status).end()
      })
    })
    return receiver
  }

  stop(): void {
    this.server.close()
  }
}

test.describe.configure({ timeout: 120_000 })

test('a webhook is made, tested, told of a commit, paused and removed', async ({ page }) => {
  await signIn(page)
  const sample = await SampleProject.make()
  const receiver = await Receiver.start()
  await page.goto(`/p/${sample.key}/settings`)
  const add = page.getByRole('button', { name: 'Add webhook' })
  await expect(add).toBeDisabled()
  await page.getByLabel('Receiver', { exact: true }).fill('Build server')
  await page.getByLabel('Address', { exact: true }).fill('http://10.0.0.1/in')
  await add.click()
  await expect(page.getByText('10.0.0.1 is not on the public internet.')).toBeVisible()
  await page.getByLabel('Address', { exact: true }).fill(receiver.url)
  await add.click()
  const secret = (await page.getByText(/^whsec_/).textContent())?.trim() ?? ''
  const hooks = page.getByRole('list', { name: 'Webhooks' })
  await expect(hooks.getByText('Build server')).toBeVisible()
  await expect(hooks.getByText('not used yet')).toBeVisible()

  await page.getByRole('button', { name: 'Send a test to Build server' }).click()
  await expect(hooks.getByText('works')).toBeVisible()
  await api('POST', `/projects/${sample.key}/documents`, { title: 'Told of' })
  await expect.poll(() => receiver.told.length, { timeout: 20_000 }).toBe(2)
  const told = receiver.told[1]
  if (!told) throw new Error('nothing was told')
  expect(JSON.parse(told.body)).toMatchObject({
    type: 'commit.created',
    data: { project: { key: sample.key }, branch: 'main' },
  })
  const { 'webhook-id': id, 'webhook-timestamp': moment, 'webhook-signature': signature } = told.headers
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64')
  const wanted = createHmac('sha256', key)
    .update(`${String(id)}.${String(moment)}.${told.body}`)
    .digest('base64')
  expect(signature).toBe(`v1,${wanted}`)

  receiver.status = 500
  await page.getByRole('button', { name: 'Send a test to Build server' }).click()
  await expect(hooks.getByText('fails', { exact: true })).toBeVisible()
  await page.getByRole('button', { name: 'What Build server sent last' }).click()
  const attempts = page.getByRole('list', { name: 'What Build server sent last' })
  await expect(attempts.getByRole('listitem')).toHaveCount(3)
  await expect(attempts.getByRole('listitem').first()).toContainText('The receiver answered 500.')
  await expectAccessible(page)

  await page.getByRole('button', { name: 'More for Build server' }).click()
  await page.getByRole('menuitem', { name: 'Pause' }).click()
  await expect(hooks.getByText('paused')).toBeVisible()
  await expect(page.getByRole('button', { name: 'Send a test to Build server' })).toBeDisabled()
  await page.getByRole('button', { name: 'More for Build server' }).click()
  await page.getByRole('menuitem', { name: 'Remove' }).click()
  const question = page.getByRole('group', { name: 'Remove' })
  await expect(question).toContainText('Build server is told of nothing any more')
  await expectAccessible(page)
  await question.getByRole('button', { name: 'Remove' }).click()
  await expect(page.getByText('Nobody is told of commits.')).toBeVisible()
  receiver.stop()
})
