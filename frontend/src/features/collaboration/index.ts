export { default as PeopleAt } from './PeopleAt.vue'
export { default as PeopleHere } from './PeopleHere.vue'
export { usePeopleAt } from './usePeopleAt'
export { useLiveProject } from './useLiveProject'
