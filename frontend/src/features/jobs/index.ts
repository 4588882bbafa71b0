export { default as JobRow } from './JobRow.vue'
export { useJob } from './useJobs'
