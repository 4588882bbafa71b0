// Everybody may look at a refusal; only *.api.ts may cause one.
/** A refusal of the server (an RFC 9457 problem), or, with status 0, a server that cannot be reached. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly requestId: string | null,
    readonly extra: Readonly<Record<string, unknown>>,
  ) {
    super(detail)
    this.name = 'ApiError'
  }
}
