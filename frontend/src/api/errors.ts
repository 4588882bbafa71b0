// Everybody may look at a refusal; only *.api.ts may cause one.
export { ApiError } from './client'
