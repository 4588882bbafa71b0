export { default as ProjectWebhooks } from './ProjectWebhooks.vue'
