/**
 * Query keys. Everything of a project starts with ['p', project]; everything read at a version goes on with
 * ['at', ref], where '' is the newest version. A write invalidates `keys.at(project)` and `keys.log(project)`.
 */
export const keys = {
  me: () => ['me'] as const,
  tokens: () => ['me', 'tokens'] as const,
  sessions: () => ['me', 'sessions'] as const,
  factors: () => ['me', 'factors'] as const,
  identities: () => ['me', 'identities'] as const,
  signInOptions: () => ['sign-in-options'] as const,
  users: () => ['users'] as const,
  userSearch: (search: string) => ['users', 'search', search] as const,
  invitations: () => ['invitations'] as const,
  mails: () => ['mails'] as const,
  /** An empty project is the instance. */
  audit: (project: string, search: object) => ['audit', project, 'events', search] as const,
  auditSeal: (project: string) => ['audit', project, 'seal'] as const,
  jobs: (scope: string, search: object) => ['jobs', scope, search] as const,
  groups: () => ['groups'] as const,
  groupMembers: (group: string) => ['groups', group] as const,
  projects: () => ['projects'] as const,
  project: (project: string) => ['p', project] as const,
  info: (project: string) => ['p', project, 'info'] as const,
  branches: (project: string) => ['p', project, 'log', 'branches'] as const,
  mergeJobs: (project: string, branch: string) => ['p', project, 'merge-jobs', branch] as const,
  baselines: (project: string) => ['p', project, 'log', 'baselines'] as const,
  restrictions: (project: string) => ['p', project, 'restrictions'] as const,
  webhooks: (project: string) => ['p', project, 'webhooks'] as const,
  webhookAttempts: (project: string, id: string) => ['p', project, 'webhooks', id] as const,
  restrictable: (project: string) => ['p', project, 'restrictions', 'choices'] as const,
  projectGroups: (project: string) => ['p', project, 'groups'] as const,
  members: (project: string) => ['p', project, 'members'] as const,
  memberInvitations: (project: string) => ['p', project, 'invitations'] as const,
  log: (project: string) => ['p', project, 'log'] as const,
  commits: (project: string) => ['p', project, 'log', 'commits'] as const,
  undo: (project: string) => ['p', project, 'log', 'undo'] as const,
  compare: (project: string, from: string, to: string) => ['p', project, 'log', 'compare', from, to] as const,
  ref: (project: string, ref: string) => ['p', project, 'log', 'ref', ref] as const,
  itemHistory: (project: string, item: string) => ['p', project, 'log', 'item', item] as const,
  documentHistory: (project: string, document: string, ref = '') =>
    ['p', project, 'log', 'document', document, ref] as const,
  imports: (project: string) => ['p', project, 'imports'] as const,
  importJob: (project: string, job: string) => ['p', project, 'imports', job] as const,
  job: (project: string, job: string) => ['p', project, 'jobs', job] as const,

  at: (project: string, ref = '') => ['p', project, 'at', ref] as const,
  schema: (project: string, ref = '') => [...keys.at(project, ref), 'schema'] as const,
  documents: (project: string, ref = '') => [...keys.at(project, ref), 'documents'] as const,
  outline: (project: string, document: string, ref = '') =>
    [...keys.at(project, ref), 'outline', document] as const,
  rows: (project: string, document: string, ref = '') =>
    [...keys.at(project, ref), 'rows', document] as const,
  item: (project: string, item: string, ref = '') => [...keys.at(project, ref), 'item', item] as const,
  links: (project: string, item: string, ref = '') => [...keys.at(project, ref), 'links', item] as const,
  find: (project: string, document: string, text: string, ref = '') =>
    [...keys.at(project, ref), 'find', document, text] as const,
}
