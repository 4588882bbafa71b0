// Fails the build when a bundle outgrows its budget (gzip): entry 160 kB, any other chunk 200 kB.
import { readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

const html = readFileSync('dist/index.html', 'utf8')
const entry = html.match(/src="\/assets\/([^"]+\.js)"/)?.[1]
let failed = false
for (const name of readdirSync('dist/assets').filter((file) => file.endsWith('.js'))) {
  const size = gzipSync(readFileSync(`dist/assets/${name}`)).length / 1000
  const budget = name === entry ? 160 : 200
  if (size > budget) {
    console.error(`${name} is ${size.toFixed(0)} kB gzip; its budget is ${budget} kB.`)
    failed = true
  } else if (name === entry) {
    console.log(`entry ${size.toFixed(0)} kB gzip (budget ${budget} kB)`)
  }
}
process.exit(failed ? 1 : 0)
