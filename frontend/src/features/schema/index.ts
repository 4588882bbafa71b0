export { default as RefusalNote } from './RefusalNote.vue'
