import { fetchBlob, upload, type Upload } from '@/api/client'
import type { ImportJob } from './exchange.types'

const base = (project: string) => `/api/v1/projects/${encodeURIComponent(project)}`

/** Uploads a file and has it read without writing anything. */
export function startImport(project: string, file: File, options: Upload): Promise<ImportJob> {
  const form = new FormData()
  form.append('mode', 'dry_run')
  form.append('file', file)
  return upload<ImportJob>(`${base(project)}/imports`, form, options)
}

export async function listImports(project: string): Promise<ImportJob[]> {
  const answer = (await (await fetchBlob(`${base(project)}/imports`)).json()) as
    ImportJob[] | { imports: ImportJob[] }
  return Array.isArray(answer) ? answer : answer.imports
}

export async function getImport(project: string, job: string): Promise<ImportJob> {
  return (await (await fetchBlob(`${base(project)}/imports/${job}`)).json()) as ImportJob
}

export function commitImport(project: string, job: string): Promise<ImportJob> {
  return upload<ImportJob>(`${base(project)}/imports/${job}/commit`, new FormData())
}

export function cancelImport(project: string, job: string): Promise<ImportJob> {
  return upload<ImportJob>(`${base(project)}/imports/${job}/cancel`, new FormData())
}

export interface ExportOptions {
  format: 'reqif' | 'reqifz'
  at: string
  signal: AbortSignal
  onProgress: (received: number) => void
}

/** Streams the project as ReqIF and returns it as a file. */
export async function downloadReqif(project: string, options: ExportOptions): Promise<File> {
  const query = new URLSearchParams({ format: options.format, ...(options.at ? { at: options.at } : {}) })
  const answer = await fetchBlob(`${base(project)}/exports/reqif?${query}`, options.signal)
  const pieces: BlobPart[] = []
  let received = 0
  const reader = answer.body?.getReader()
  for (let piece = await reader?.read(); piece && !piece.done; piece = await reader?.read()) {
    pieces.push(piece.value as Uint8Array<ArrayBuffer>)
    received += piece.value.length
    options.onProgress(received)
  }
  const type = answer.headers.get('content-type') ?? 'application/octet-stream'
  return new File(pieces, nameOf(answer, `${project}.${options.format}`), { type })
}

function nameOf(answer: Response, fallback: string): string {
  const header = answer.headers.get('content-disposition') ?? ''
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(header)?.[1]
  return encoded ? decodeURIComponent(encoded) : (/filename="([^"]+)"/i.exec(header)?.[1] ?? fallback)
}
