import { randomUUID } from 'node:crypto'
import { credentials } from './session'

interface Attribute {
  id: string
  name: string
  base: string
}
interface Type {
  id: string
  category: string
  name: string
  attributes: Attribute[]
  presentation: Record<string, string | null>
}
interface Datatype {
  id: string
  base: string
  name: string
  enum_values: { id: string; name: string }[]
}
export interface Schema {
  types: Type[]
  datatypes: Datatype[]
}
export interface Item {
  id: string
  key: string
  title: string
  text: string | null
  attributes: Record<string, unknown>
  revision: number
}
interface Operation {
  op: 'create' | 'update' | 'move' | 'delete'
  kind: string
  id?: string
  fields?: Record<string, unknown>
  position?: Record<string, unknown>
}
/** A line of a new document: `# ` begins a heading, deeper ones have more signs; all else is a requirement. */
export type Line = string

/** The API of the instance under test, as its administrator: sets up what a test needs, and looks at what came of it. */
export async function api<T>(method: string, path: string, body?: unknown): Promise<T> {
  const form = body instanceof FormData
  const answer = await fetch(`http://127.0.0.1:${process.env.E2E_PORT}/api/v1${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${credentials().token}`,
      ...(body !== undefined && !form ? { 'Content-Type': 'application/json' } : {}),
    },
    ...(body === undefined ? {} : { body: form ? body : JSON.stringify(body) }),
  })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return (answer.status === 204 ? undefined : await answer.json()) as T
}

let made = 0

/** A project of its own for a test, so that tests do not see each other's work. */
export class SampleProject {
  private constructor(
    readonly key: string,
    readonly schema: Schema,
  ) {}

  static async make(wanted?: string): Promise<SampleProject> {
    made += 1
    const key = wanted ?? `E${Date.now().toString(36).toUpperCase().slice(-6)}${made}`
    await api('POST', '/projects', { key, name: `Sample ${key}` })
    return new SampleProject(key, await api<Schema>('GET', `/projects/${key}/schema`))
  }

  type(name: string): Type {
    return found(
      this.schema.types.find((type) => type.name === name),
      name,
    )
  }

  attribute(type: string, name: string): string {
    return found(
      this.type(type).attributes.find((attribute) => attribute.name === name),
      name,
    ).id
  }

  datatype(name: string): Datatype {
    return found(
      this.schema.datatypes.find((datatype) => datatype.name === name),
      name,
    )
  }

  /** The id of a value of an enumeration. */
  value(datatype: string, name: string): string {
    const values = this.datatype(datatype).enum_values
    return found(
      values.find((value) => value.name === name),
      name,
    ).id
  }

  commit(operations: Operation[], message = '', base: number | null = null): Promise<{ items: Item[] }> {
    return api('POST', `/projects/${this.key}/commits`, { base, message, operations })
  }

  /** Gives requirements a further attribute of a datatype that every new project has. */
  async addAttribute(name: string, datatype: string, rank: string): Promise<string> {
    const id = randomUUID()
    const fields = {
      type_id: this.type('Requirement').id,
      name,
      datatype_id: this.datatype(datatype).id,
      multi_valued: false,
      description: '',
      rank,
    }
    await this.commit([{ op: 'create', kind: 'attribute', id, fields }], `Attribute ${name}`)
    return id
  }

  async document(title: string, lines: readonly Line[] = []): Promise<SampleDocument> {
    const made = await api<{ id?: string; document?: { id: string } }>(
      'POST',
      `/projects/${this.key}/documents`,
      { title },
    )
    const document = new SampleDocument(this, found(made.id ?? made.document?.id, title))
    if (lines.length > 0) await document.append(lines)
    return document
  }

  async item(key: string): Promise<Item> {
    return (await api<{ item: Item }>('GET', `/projects/${this.key}/items/${key}`)).item
  }

  /** Changes an item as somebody else does, behind the back of the page. */
  async change(key: string, attributes: Record<string, unknown>): Promise<void> {
    await api('PATCH', `/projects/${this.key}/items/${key}`, { attributes })
  }

  /** Imports a ReqIF file as a person does, and waits for its commit. */
  async importReqif(name: string, content: string): Promise<void> {
    const form = new FormData()
    form.append('mode', 'commit')
    form.append('file', new Blob([content]), name)
    const job = await api<{ id: string }>('POST', `/projects/${this.key}/imports`, form)
    for (;;) {
      const { state, error } = await api<{ state: string; error: unknown }>(
        'GET',
        `/projects/${this.key}/imports/${job.id}`,
      )
      if (state === 'done') return
      if (state === 'failed' || state === 'cancelled') throw new Error(JSON.stringify(error))
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }

  async firstDocument(): Promise<SampleDocument> {
    const { documents } = await api<{ documents: { id: string }[] }>('GET', `/projects/${this.key}/documents`)
    return new SampleDocument(this, found(documents[0], 'document').id)
  }
}

export class SampleDocument {
  constructor(
    readonly project: SampleProject,
    readonly id: string,
  ) {}

  get path(): string {
    return `/p/${this.project.key}/d/${this.id}`
  }

  /** Adds headings and requirements at the end, in one commit. */
  async append(lines: readonly Line[]): Promise<void> {
    const parents: string[] = []
    const operations = lines.flatMap((line) => {
      const depth = /^#*/.exec(line)?.[0].length ?? 0
      const type = depth > 0 ? 'Heading' : 'Requirement'
      const [item, placement] = [randomUUID(), randomUUID()]
      const parent = (depth > 0 ? parents[depth - 2] : parents.at(-1)) ?? null
      if (depth > 0) parents.splice(depth - 1, parents.length, placement)
      const [title, text] = line.replace(/^#+ /, '').split(' | ')
      const attributes: Record<string, unknown> = { [this.project.attribute(type, 'Title')]: title }
      if (text) attributes[this.project.attribute(type, 'Text')] = `<p>${text}</p>`
      const fields = { type_id: this.project.type(type).id, attributes }
      const position = { document_id: this.id, parent_id: parent }
      return [
        { op: 'create' as const, kind: 'item', id: item, fields },
        { op: 'create' as const, kind: 'placement', id: placement, fields: { item_id: item }, position },
      ]
    })
    await this.project.commit(operations, 'Sample')
  }

  /** The titles in reading order, indented by level: what the server holds, not what the page shows. */
  async titles(): Promise<string[]> {
    const { rows } = await api<{ rows: unknown[][] }>(
      'GET',
      `/projects/${this.project.key}/documents/${this.id}/outline`,
    )
    return rows.map((row) => `${'  '.repeat(Number(row[2]))}${String(row[6])}`)
  }
}

function found<T>(value: T | undefined, name: string): T {
  if (value === undefined) throw new Error(`The sample has no ${name}`)
  return value
}
