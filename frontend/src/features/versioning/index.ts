export { default as TimeTravelBanner } from './TimeTravelBanner.vue'
export { default as WordDiff } from './diff/WordDiff.vue'
export { postRedo as redo, postUndo as undo } from '@/shared/composables/undo.api'
export { default as VersionInput } from './VersionInput.vue'
