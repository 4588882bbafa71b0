export { default as JobRow } from './JobRow.vue'
export { useJob } from './useJobs'
export { isRunning, progressOf } from './jobs'
