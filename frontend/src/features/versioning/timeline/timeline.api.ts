import { client, unwrap } from '@/api/client'
import type { DocumentHistory } from '@/api/types'

/** The commits that touched a document up to a version, newest first; `before` continues a page. */
export function getDocumentHistory(
  project: string,
  document: string,
  at: string,
  before: number | undefined,
): Promise<DocumentHistory> {
  return unwrap(
    client.GET('/api/v1/projects/{project}/documents/{document_id}/history', {
      params: {
        path: { project, document_id: document },
        query: { ...(at ? { at } : {}), ...(before ? { before } : {}) },
      },
    }),
  )
}
