/**
 * Real OpenID Connect providers for the tests: two issuers in one process, on free ports of the loopback address.
 *
 * The first argument is JSON: { "redirectUris": { "one": [...], "two": [...] }, "signedOutUris": [...], "ports": {...} };
 * without "ports" the system chooses. Once both listen, a line of JSON on standard output tells their issuers. Whoever types the login "ada" is Ada, with the
 * verified address ada@example.org; "ada!unverified" is another person, who claims the same address without proof.
 * The process ends with its standard input; where its ports were chosen, with the process that started it.
 *
 * The providers are right. POST /fault { "kind": "nonce" } spoils the next answer of the token endpoint, which is
 * signed anew with the provider's own key: that is what a broken or hostile provider would send.
 */
import { createServer } from 'node:http'
import { exportJWK, generateKeyPair, SignJWT, decodeJwt, calculateJwkThumbprint } from 'jose'
import Provider from 'oidc-provider'

const { redirectUris, signedOutUris = [], ports = null } = JSON.parse(process.argv[2] ?? '{}')
export const CLIENT_ID = 'reqtrail'
export const CLIENT_SECRET = 'known-to-the-tests-alone'

async function makeKey() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true })
  const jwk = await exportJWK(privateKey)
  return { privateKey, jwk: { ...jwk, kid: await calculateJwkThumbprint(jwk), alg: 'RS256', use: 'sig' } }
}

function claimsOf(login) {
  const [name, mark] = login.split('!')
  return {
    sub: login,
    name: name[0].toUpperCase() + name.slice(1),
    email: name.includes('@') ? name : `${name}@example.org`,
    email_verified: mark !== 'unverified',
  }
}

function configuration(key, name) {
  return {
    clients: [
      {
        client_id: CLIENT_ID,
        client_secret: CLIENT_SECRET,
        redirect_uris: redirectUris[name],
        post_logout_redirect_uris: signedOutUris,
        grant_types: ['authorization_code'],
        response_types: ['code'],
      },
    ],
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name'] },
    findAccount: (ctx, id) => ({ accountId: id, claims: () => claimsOf(id) }),
    pkce: { required: () => true },
    cookies: { keys: ['only for tests'] },
    jwks: { keys: [key.jwk] },
    ttl: { Session: 3600, Grant: 3600, Interaction: 600, AccessToken: 600, IdToken: 600 },
  }
}

const changes = {
  nonce: (claims) => ({ ...claims, nonce: 'another' }),
  'no-nonce': ({ nonce: _nonce, ...claims }) => claims,
  issuer: (claims) => ({ ...claims, iss: 'https://somebody.example' }),
  audience: (claims) => ({ ...claims, aud: 'another-client' }),
  audiences: (claims) => ({ ...claims, aud: [CLIENT_ID, 'another-client'], azp: 'another-client' }),
  expired: (claims) => ({ ...claims, iat: claims.iat - 7200, exp: claims.iat - 3600 }),
  future: (claims) => ({ ...claims, iat: claims.iat + 3600, exp: claims.exp + 3600 }),
  'no-expiry': ({ exp: _exp, ...claims }) => claims,
  'access-token': (claims) => ({ ...claims, at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }),
  subject: (claims) => ({ ...claims, sub: '' }),
  'clock-skew': (claims) => ({ ...claims, iat: claims.iat + 30 }),
}

function part(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** Returns the id token as a provider with the given fault would send it. */
async function spoil(token, kind, key) {
  const claims = decodeJwt(token)
  const [header, body, signature] = token.split('.')
  if (kind === 'signature') return `${header}.${part({ ...claims, sub: 'root' })}.${signature}`
  if (kind === 'unsigned') return `${part({ alg: 'none' })}.${body}.`
  if (kind === 'other-key') key = await makeKey()
  if (kind === 'client-secret') {
    return new SignJWT(claims)
      .setProtectedHeader({ alg: 'HS256' })
      .sign(new TextEncoder().encode(CLIENT_SECRET.padEnd(32, '.')))
  }
  const changed = changes[kind]?.(claims) ?? claims
  const headerOf = { alg: 'RS256', kid: key.jwk.kid }
  if (kind === 'embedded-key') {
    const own = await makeKey()
    const { kty, n, e } = own.jwk
    return new SignJWT(claims).setProtectedHeader({ alg: 'RS256', jwk: { kty, n, e } }).sign(own.privateKey)
  }
  return new SignJWT(changed).setProtectedHeader(headerOf).sign(key.privateKey)
}

async function start(name) {
  const key = await makeKey()
  let fault = null
  let handle = null
  const server = createServer((request, response) => {
    if (request.url === '/fault' && request.method === 'POST') {
      let text = ''
      request.on('data', (chunk) => (text += chunk))
      request.on('end', () => {
        fault = JSON.parse(text).kind
        response.writeHead(204).end()
      })
      return
    }
    handle(request, response)
  })
  await new Promise((resolve) => server.listen(ports?.[name] ?? 0, '127.0.0.1', resolve))
  const issuer = `http://127.0.0.1:${server.address().port}`
  const provider = new Provider(issuer, configuration(key, name))
  provider.use(async (ctx, next) => {
    if (fault === 'away') {
      ctx.status = 502
      return
    }
    await next()
    if (ctx.path !== '/token' || fault === null || !ctx.body?.id_token) return
    const kind = fault
    fault = null
    if (kind === 'no-id-token') ctx.body = { ...ctx.body, id_token: undefined }
    else if (kind === 'nonsense') ctx.body = 'nonsense'
    else ctx.body = { ...ctx.body, id_token: await spoil(ctx.body.id_token, kind, key) }
  })
  handle = provider.callback()
  return issuer
}

const issuers = { one: await start('one'), two: await start('two') }
console.log(JSON.stringify({ issuers, clientId: CLIENT_ID, clientSecret: CLIENT_SECRET }))
if (ports === null) {
  process.stdin.resume()
  process.stdin.on('end', () => process.exit(0))
} else {
  const parent = process.ppid
  setInterval(() => process.ppid === parent || process.exit(0), 1000)
}
