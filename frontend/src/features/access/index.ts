export { default as ProjectGroups } from './ProjectGroups.vue'
export { default as ProjectRestrictions } from './ProjectRestrictions.vue'
export { default as RoleLegend } from './RoleLegend.vue'
export { ROLES } from './roles'
