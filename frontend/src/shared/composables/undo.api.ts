import { client, unwrap } from '@/api/client'
import type { CommitOutcome, UndoState } from '@/api/types'

const at = (project: string) => ({ params: { path: { project } } })

export function getUndoState(project: string): Promise<UndoState> {
  return unwrap(client.GET('/api/v1/projects/{project}/undo', at(project)))
}

export function postUndo(project: string): Promise<CommitOutcome> {
  return unwrap(client.POST('/api/v1/projects/{project}/undo', at(project)))
}

export function postRedo(project: string): Promise<CommitOutcome> {
  return unwrap(client.POST('/api/v1/projects/{project}/redo', at(project)))
}
