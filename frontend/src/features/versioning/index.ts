import { defineAsyncComponent } from 'vue'

export { default as TimeTravelBanner } from './TimeTravelBanner.vue'
export { default as ChangeMessage } from './ChangeMessage.vue'
export { default as RedactionNote } from './RedactionNote.vue'
export { default as BranchMenu } from './branches/BranchMenu.vue'
export { useRestorable } from './useRestorable'
export { default as WordDiff } from './diff/WordDiff.vue'
export { postRedo as redo, postUndo as undo } from '@/shared/composables/undo.api'
export { default as VersionInput } from './VersionInput.vue'
export { useBaselines } from './baselines/useBaselines'

export const RestoreDialog = defineAsyncComponent(() => import('./RestoreDialog.vue'))
