import { fileURLToPath, URL } from 'node:url'
import vueI18n from '@intlify/unplugin-vue-i18n/vite'
import ui from '@nuxt/ui/vite'
import vue from '@vitejs/plugin-vue'
import { defineConfig } from 'vite'
import { messagesWithTheirUsers } from './messages.config.ts'
import { namedNotices, seenFocusMarks, uiOptions, withoutInlineStyles } from './ui.config.ts'

const api = process.env.REQTRAIL_API ?? 'http://127.0.0.1:8000'

export default defineConfig({
  plugins: [
    vue(),
    messagesWithTheirUsers(),
    withoutInlineStyles(),
    namedNotices(),
    seenFocusMarks(),
    ui(uiOptions),
    vueI18n({
      include: [fileURLToPath(new URL('./src/shared/i18n/locales/**', import.meta.url))],
      runtimeOnly: true,
      compositionOnly: true,
      // Messages are read through t() alone; the components and directives of vue-i18n weigh 1.6 kB.
      fullInstall: false,
      strictMessage: true,
      // Every message is compiled by the build.
      dropMessageCompiler: true,
    }),
  ],
  resolve: { alias: { '@': fileURLToPath(new URL('./src', import.meta.url)) } },
  // No component in use is written with the options API.
  define: { __VUE_OPTIONS_API__: 'false', __VUE_PROD_DEVTOOLS__: 'false' },
  server: { port: 5173, proxy: { '/api': { target: api, ws: true } } },
  build: {
    target: 'es2022',
    manifest: true,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
    modulePreload: { polyfill: false },
  },
})
