import type { NuxtUIOptions } from '@nuxt/ui/vite'
import type { Plugin } from 'vite'

/** Nuxt UI as every build and every test uses it: icons bundled, own code imported explicitly. */
export const uiOptions: NuxtUIOptions = {
  autoImport: false,
  colorMode: false,
  // Generated beside the other types of Nuxt UI; the type check needs a build before it for both.
  components: { dts: process.env.VITEST ? false : 'node_modules/.nuxt-ui/components.d.ts', dirs: [] },
  icon: { clientBundle: { scan: { globInclude: ['src/**/*.{vue,ts}'], globExclude: ['node_modules'] } } },
  ui: {
    colors: {
      primary: 'indigo',
      neutral: 'zinc',
      error: 'red',
      warning: 'amber',
      success: 'green',
      info: 'sky',
      secondary: 'zinc',
    },
    button: { slots: { base: 'cursor-pointer disabled:cursor-not-allowed' } },
    modal: { slots: { overlay: 'bg-black/40', content: 'divide-y-0' } },
    toaster: { slots: { viewport: 'print:hidden' } },
  },
}

/**
 * Leaves out the two start-up plugins of Nuxt UI that write <style> and <title> at run time. The colours are in
 * main.css instead: the server's content security policy allows no inline style element.
 */
export function withoutInlineStyles(): Plugin {
  return {
    name: 'reqtrail:without-inline-styles',
    enforce: 'pre',
    transform(_code, id) {
      if (/@nuxt\/ui\/dist\/runtime\/(plugins\/colors|vue\/plugins\/head)\.js$/.test(id)) {
        return { code: 'export default { install() {} }', map: null }
      }
      return undefined
    },
  }
}

/**
 * Lets assistive technology see the two focusable marks around the notices: a thing that takes the focus must not be
 * hidden (WCAG 4.1.2). They hand the focus on to the notices at once.
 */
export function seenFocusMarks(): Plugin {
  const hidden = 'tabindex: "0",'
  return {
    name: 'reqtrail:seen-focus-marks',
    enforce: 'pre',
    transform(code, id) {
      if (!/reka-ui\/dist\/Toast\/FocusProxy\.js$/.test(id)) return undefined
      if (!code.includes(hidden)) this.error('reka-ui changed its FocusProxy: is it still hidden?')
      return { code: code.replace(hidden, `${hidden} feature: "seen",`), map: null }
    },
  }
}

/** Gives the region of the notices the name that the application has for it, in place of an English one with its key. */
export function namedNotices(): Plugin {
  const viewport = '<ToastViewport'
  return {
    name: 'reqtrail:named-notices',
    enforce: 'pre',
    transform(code, id) {
      if (!/@nuxt\/ui\/dist\/runtime\/components\/Toaster\.vue$/.test(id)) return undefined
      if (!code.includes(viewport)) this.error('Nuxt UI changed its Toaster: are the notices still named?')
      return { code: code.replace(`${viewport}\n`, `${viewport} :label="props.label"\n`), map: null }
    },
  }
}
