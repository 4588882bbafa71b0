import ui from '@nuxt/ui/vue-plugin'
import { VueQueryPlugin } from '@tanstack/vue-query'
import { createPinia } from 'pinia'
import { createApp } from 'vue'
import App from './App.vue'
import { installErrorHandlers } from './app/errors'
import { makeQueryClient } from './app/queryClient'
import { makeRouter } from './app/router'
import { i18n } from './shared/i18n'
import './shared/styles/main.css'

const app = createApp(App)
const queryClient = makeQueryClient()
const pinia = createPinia()

app.use(pinia)
const router = makeRouter(queryClient)
installErrorHandlers(app, router)
app.use(router).use(i18n).use(VueQueryPlugin, { queryClient }).use(ui)
app.mount('#app')
