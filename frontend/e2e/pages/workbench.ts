import { type Page } from '@playwright/test'
import { credentials } from '../session'

interface Attribute {
  id: string
  name: string
}
interface Schema {
  types: { id: string; name: string; category: string; attributes: Attribute[] }[]
  datatypes: { name: string; enum_values: { id: string; name: string }[] }[]
}

let numbers = 0

/** A project of its own for one test, filled through the API. */
export class Workbench {
  private constructor(
    readonly key: string,
    readonly document: string,
    readonly schema: Schema,
  ) {}

  /** Makes a project with one document that holds a requirement for each title. */
  static async make(titles: readonly string[] = []): Promise<Workbench> {
    numbers += 1
    const letters = [...Date.now().toString(36), ...numbers.toString(36)].join('').toUpperCase()
    const key = `E${letters.slice(-8)}`
    await api('POST', '/projects', { key, name: `Project ${key}` })
    const made = await api<{ id: string }>('POST', `/projects/${key}/documents`, { title: 'Brake control' })
    const schema = await api<Schema>('GET', `/projects/${key}/schema`)
    const bench = new Workbench(key, made.id, schema)
    if (titles.length > 0) await bench.add(titles)
    return bench
  }

  get path(): string {
    return `/p/${this.key}/d/${this.document}`
  }

  async open(page: Page, query = ''): Promise<void> {
    await page.goto(`${this.path}${query}`)
    await page.getByRole('treegrid').or(page.getByTestId('empty-state')).first().waitFor()
  }

  attribute(name: string, type = 'Requirement'): string {
    const found = this.schema.types.find((entry) => entry.name === type)
    return found?.attributes.find((entry) => entry.name === name)?.id ?? ''
  }

  type(name: string): string {
    return this.schema.types.find((entry) => entry.name === name)?.id ?? ''
  }

  /** Adds requirements with a title and a text at the end of the document. */
  async add(titles: readonly string[]): Promise<void> {
    const operations = titles.flatMap((title) => {
      const item = crypto.randomUUID()
      const attributes = {
        [this.attribute('Title')]: title,
        [this.attribute('Text')]: `<p>The text of ${title}.</p>`,
      }
      return [
        {
          op: 'create',
          kind: 'item',
          id: item,
          fields: { type_id: this.type('Requirement'), attributes },
        },
        {
          op: 'create',
          kind: 'placement',
          id: crypto.randomUUID(),
          fields: { item_id: item },
          position: { document_id: this.document, parent_id: null, first: false },
        },
      ]
    })
    for (let at = 0; at < operations.length; at += 4000) {
      await this.commit(operations.slice(at, at + 4000))
    }
  }

  commit(operations: readonly unknown[], base: number | null = null): Promise<unknown> {
    return api('POST', `/projects/${this.key}/commits`, { base, operations })
  }

  /** Changes the title of an item behind the page's back. */
  async retitle(key: string, title: string): Promise<void> {
    await api('PATCH', `/projects/${this.key}/items/${key}`, {
      attributes: { [this.attribute('Title')]: title },
    })
  }

  async titles(): Promise<string[]> {
    const answer = await api<{ rows: [string, number, number, string, string, string, string][] }>(
      'GET',
      `/projects/${this.key}/documents/${this.document}/outline`,
    )
    return answer.rows.map((row) => `${'  '.repeat(row[2])}${row[6]}`)
  }

  /** Makes a document of `count` items by importing a file of that size; returns its path. */
  static async large(count: number): Promise<string> {
    const bench = await Workbench.make()
    const form = new FormData()
    form.append('mode', 'commit')
    form.append('file', new File([reqif(count)], 'large.reqif'))
    let job = await api<{ id: string; state: string }>('POST', `/projects/${bench.key}/imports`, form)
    for (let waited = 0; !['done', 'failed'].includes(job.state) && waited < 1200; waited += 1) {
      await new Promise((resolve) => setTimeout(resolve, 250))
      job = await api('GET', `/projects/${bench.key}/imports/${job.id}`)
    }
    if (job.state !== 'done') throw new Error(`The import is ${job.state}.`)
    const { documents } = await api<{ documents: { id: string; title: string }[] }>(
      'GET',
      `/projects/${bench.key}/documents`,
    )
    return `/p/${bench.key}/d/${documents.find((entry) => entry.title === 'Large')?.id ?? ''}`
  }
}

/** Calls the API as the administrator of the instance under test. */
export async function api<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await fetch(`http://127.0.0.1:${process.env.E2E_PORT ?? ''}/api/v1${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${credentials().token}`,
      ...(body && !(body instanceof FormData) ? { 'Content-Type': 'application/json' } : {}),
    },
    ...(body ? { body: body instanceof FormData ? body : JSON.stringify(body) } : {}),
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}

const MOMENT = 'LAST-CHANGE="2026-01-01T00:00:00Z"'

/** A ReqIF file of one specification with `count` objects, in chapters of fifty. */
function reqif(count: number): string {
  const objects: string[] = []
  const tree: string[] = []
  for (let at = 0; at < count; at += 1) {
    const name = at % 50 === 0 ? `Chapter ${at / 50 + 1}` : `Requirement ${at}`
    objects.push(
      `<SPEC-OBJECT IDENTIFIER="o${at}" ${MOMENT}><TYPE><SPEC-OBJECT-TYPE-REF>t</SPEC-OBJECT-TYPE-REF></TYPE>` +
        `<VALUES><ATTRIBUTE-VALUE-STRING THE-VALUE="${name}"><DEFINITION><ATTRIBUTE-DEFINITION-STRING-REF>a` +
        '</ATTRIBUTE-DEFINITION-STRING-REF></DEFINITION></ATTRIBUTE-VALUE-STRING></VALUES></SPEC-OBJECT>',
    )
    const end =
      at % 50 === 49 || at === count - 1
        ? '</SPEC-HIERARCHY></CHILDREN></SPEC-HIERARCHY>'
        : '</SPEC-HIERARCHY>'
    tree.push(
      `<SPEC-HIERARCHY IDENTIFIER="h${at}" ${MOMENT}><OBJECT><SPEC-OBJECT-REF>o${at}</SPEC-OBJECT-REF></OBJECT>` +
        (at % 50 === 0 ? '<CHILDREN>' : end),
    )
  }
  return (
    '<REQ-IF xmlns="http://www.omg.org/spec/ReqIF/20110401/reqif.xsd"><CORE-CONTENT><REQ-IF-CONTENT>' +
    `<DATATYPES><DATATYPE-DEFINITION-STRING IDENTIFIER="d" ${MOMENT} LONG-NAME="S" MAX-LENGTH="100"/></DATATYPES>` +
    `<SPEC-TYPES><SPEC-OBJECT-TYPE IDENTIFIER="t" ${MOMENT} LONG-NAME="Requirement"><SPEC-ATTRIBUTES>` +
    `<ATTRIBUTE-DEFINITION-STRING IDENTIFIER="a" ${MOMENT} LONG-NAME="ReqIF.Name"><TYPE>` +
    '<DATATYPE-DEFINITION-STRING-REF>d</DATATYPE-DEFINITION-STRING-REF></TYPE></ATTRIBUTE-DEFINITION-STRING>' +
    '</SPEC-ATTRIBUTES></SPEC-OBJECT-TYPE></SPEC-TYPES>' +
    `<SPEC-OBJECTS>${objects.join('')}</SPEC-OBJECTS><SPECIFICATIONS>` +
    `<SPECIFICATION IDENTIFIER="s" ${MOMENT} LONG-NAME="Large"><CHILDREN>${tree.join('')}</CHILDREN>` +
    '</SPECIFICATION></SPECIFICATIONS></REQ-IF-CONTENT></CORE-CONTENT></REQ-IF>'
  )
}
