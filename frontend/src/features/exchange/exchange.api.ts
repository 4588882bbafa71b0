import { client, fetchBlob, unwrap, upload, type Upload } from '@/api/client'
import type { Document, ImportJob, Job } from '@/api/types'

const at = (project: string, job: string) => ({ params: { path: { project, import_id: job } } })

/** Uploads a file and has it read without writing anything. */
export function startImport(project: string, file: File, options: Upload): Promise<ImportJob> {
  const form = new FormData()
  form.append('mode', 'dry_run')
  form.append('file', file)
  return upload<ImportJob>(`/api/v1/projects/${encodeURIComponent(project)}/imports`, form, options)
}

export async function listImports(project: string): Promise<ImportJob[]> {
  const answer = await unwrap(
    client.GET('/api/v1/projects/{project}/imports', { params: { path: { project } } }),
  )
  return answer.imports
}

export function getImport(project: string, job: string): Promise<ImportJob> {
  return unwrap(client.GET('/api/v1/projects/{project}/imports/{import_id}', at(project, job)))
}

export function commitImport(project: string, job: string): Promise<ImportJob> {
  return unwrap(client.POST('/api/v1/projects/{project}/imports/{import_id}/commit', at(project, job)))
}

export function cancelImport(project: string, job: string): Promise<ImportJob> {
  return unwrap(client.POST('/api/v1/projects/{project}/imports/{import_id}/cancel', at(project, job)))
}

/** The documents as they were right after version `seq`. */
export async function listDocumentsAt(project: string, seq: number): Promise<Document[]> {
  const answer = await unwrap(
    client.GET('/api/v1/projects/{project}/documents', {
      params: { path: { project }, query: { at: String(seq) } },
    }),
  )
  return answer.documents
}

export type ExportFormat = 'reqif' | 'reqifz'

export interface ExportOptions {
  format: ExportFormat
  /** The version; empty is the newest. */
  at: string
  signal: AbortSignal
  onProgress: (received: number) => void
}

/** Has a worker export the project; the file is the result of the job. */
export function startExport(project: string, format: ExportFormat, at: string): Promise<Job> {
  const params = { path: { project } }
  return unwrap(
    client.POST('/api/v1/projects/{project}/exports', { params, body: { format, at: at || null } }),
  )
}

/** Streams the project as ReqIF and returns it as a file. */
export async function downloadReqif(project: string, options: ExportOptions): Promise<File> {
  const query = new URLSearchParams({ format: options.format, ...(options.at ? { at: options.at } : {}) })
  const path = `/api/v1/projects/${encodeURIComponent(project)}/exports/reqif?${query}`
  const answer = await fetchBlob(path, options.signal)
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
