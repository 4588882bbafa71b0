import type { components } from './schema'

type Schemas = components['schemas']

export type User = Schemas['UserRead']
export type Session = Schemas['Session']
export type ApiToken = Schemas['TokenRead']
export type SessionInfo = Schemas['SessionRead']
export type SignInOptions = Schemas['SignInOptions']
export type MailedLink = Schemas['MailedLink']
export type Invitation = Schemas['InvitationRead']
export type MemberInvitation = Schemas['MemberInvitation']
export type Mail = Schemas['MailRead']
export type Mails = Schemas['MailsRead']
export type Role = Schemas['Role']
export type Permission = Schemas['Permission']
export type Project = Schemas['ProjectRead']
export type Member = Schemas['MemberRead']
export type AuditEvent = Schemas['AuditEventRead']
export type AuditPage = Schemas['AuditPage']
export type AuditSeal = Schemas['AuditSealRead']
export type AuditReport = Schemas['AuditReportRead']
export type Ref = Schemas['RefRead']
export type Commit = Schemas['CommitRead']
export type CommitList = Schemas['CommitList']
export type CommitOutcome = Schemas['CommitOutcome']
export type Branch = Schemas['BranchRead']
export type Baseline = Schemas['BaselineRead']
export type MergePreview = Schemas['MergePreviewRead']
export type MergeConflict = Schemas['MergeConflictRead']
export type Resolution = Schemas['ResolutionWrite']
export type CommitWrite = Schemas['CommitWrite']
export type CommitAnswer = Schemas['CommitAnswer']
export type Operation = Schemas['OperationWrite']
export type Position = Schemas['PositionWrite']
export type UndoState = Schemas['UndoRead']
export type EntityChange = Schemas['EntityChangeRead']
export type FieldChange = Schemas['FieldChange']
export type Comparison = Schemas['CompareRead']
export type Document = Schemas['DocumentRead']
export type DocumentList = Schemas['DocumentList']
export type OutlineAnswer = Schemas['OutlineAnswer']
export type RowsAnswer = Schemas['RowsAnswer']
export type Row = Schemas['RowRead']
export type Item = Schemas['ItemRead']
export type ItemAnswer = Schemas['ItemAnswer']
export type DocumentHistory = Schemas['DocumentHistoryAnswer']
export type DocumentCommit = Schemas['DocumentCommitRead']
export type BlameAnswer = Schemas['BlameAnswer']
export type HistoryEntry = Schemas['HistoryEntryRead']
export type Redaction = Schemas['RedactionRead']
export type HistoryChange = Schemas['HistoryChange']
export type Link = Schemas['LinkRead']
export type LinksAnswer = Schemas['LinksAnswer']
export type ItemType = Schemas['TypeRead']
export type Attribute = Schemas['AttributeRead']
export type Datatype = Schemas['DatatypeRead']
export type ProjectSchema = Schemas['SchemaAnswer']
export type FindAnswer = Schemas['FindAnswer']
export type UploadedFile = Schemas['FileAnswer']

/** One side of a conflicting field, as a 409 `edit_conflict` tells it in `extra.conflicts`. */
export interface EditConflict {
  kind: string
  id: string
  key: string | null
  field: string
  base: unknown
  ours: unknown
  theirs: unknown
}

export type ImportJob = Schemas['ImportRead']
export type ImportState = Schemas['JobState']
export type ImportMapping = Schemas['ImportMapping']
export type MappedType = Schemas['MappedType']
export type Loss = Schemas['LossRead']
export type ItemList = Schemas['ItemList']
