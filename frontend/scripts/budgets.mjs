// Fails when the built application is heavier than its budgets. JavaScript, gzip, 1 kB = 1000 bytes:
// what the page itself loads at once, what the first page needs on top of it, and each chunk that comes later.
// Workers stand apart: they load beside the page and block nothing.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'

const KB = 1000
const BUDGETS = { entry: 160 * KB, route: 260 * KB, chunk: 200 * KB }
/** What a signed-in reader's first page consists of: the frame and the list of projects; of a project, its frame too. */
const FIRST_ROUTES = {
  'sign-in': ['src/features/identity/SignInPage.vue'],
  projects: ['src/app/layouts/AppShell.vue', 'src/features/projects/ProjectsPage.vue'],
  project: [
    'src/app/layouts/AppShell.vue',
    'src/app/layouts/ProjectShell.vue',
    'src/features/projects/ProjectHome.vue',
  ],
}

const dist = process.argv[2] ?? 'dist'
const manifest = JSON.parse(readFileSync(join(dist, '.vite/manifest.json'), 'utf8'))
const sizes = new Map()
const problems = []

/** Bytes of a built file as the server sends it. */
function sizeOf(file) {
  if (!sizes.has(file)) sizes.set(file, gzipSync(readFileSync(join(dist, file)), { level: 9 }).length)
  return sizes.get(file)
}

/** Adds the file of the manifest's entry `key`, and of all that it imports at once, to `files`. */
function collect(key, files) {
  const chunk = manifest[key]
  if (!chunk) throw new Error(`${key} is not in the manifest of the build; has it moved?`)
  if (files.has(chunk.file)) return files
  files.add(chunk.file)
  for (const imported of chunk.imports ?? []) collect(imported, files)
  return files
}

function check(name, files, budget) {
  const total = [...files].reduce((sum, file) => sum + sizeOf(file), 0)
  const text = `${name}: ${(total / KB).toFixed(1)} kB gzip of ${budget / KB} kB`
  console.log(text)
  if (total > budget) problems.push(text)
}

const entry = collect('index.html', new Set())
check('entry', entry, BUDGETS.entry)
for (const [name, keys] of Object.entries(FIRST_ROUTES)) {
  const files = new Set(entry)
  for (const key of keys) collect(key, files)
  check(`first route, ${name}`, files, BUDGETS.route)
}

const lazy = new Set(Object.values(manifest).map((chunk) => chunk.file))
for (const file of lazy) {
  if (!file.endsWith('.js') || entry.has(file)) continue
  if (sizeOf(file) > BUDGETS.chunk) check(file, new Set([file]), BUDGETS.chunk)
}
const heaviest = [...lazy]
  .filter((file) => file.endsWith('.js') && !entry.has(file))
  .sort((a, b) => sizeOf(b) - sizeOf(a))[0]
if (heaviest)
  console.log(
    `heaviest later chunk: ${heaviest}, ${(sizeOf(heaviest) / KB).toFixed(1)} kB gzip of ${BUDGETS.chunk / KB} kB`,
  )

if (problems.length > 0) {
  console.error(`Over budget:\n  ${problems.join('\n  ')}`)
  process.exit(1)
}
