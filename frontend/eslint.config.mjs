import vueI18n from '@intlify/eslint-plugin-vue-i18n'
import vue from 'eslint-plugin-vue'
import accessibility from 'eslint-plugin-vuejs-accessibility'
import ts from 'typescript-eslint'

export default ts.config(
  { ignores: ['dist', 'node_modules', 'src/api/schema.d.ts', 'public', 'test-results', 'playwright-report'] },
  ...ts.configs.strict,
  ...vue.configs['flat/recommended'],
  ...accessibility.configs['flat/recommended'],
  ...vueI18n.configs.base,
  {
    files: ['**/*.vue'],
    languageOptions: { parserOptions: { parser: ts.parser } },
  },
  {
    files: ['src/**/*.vue'],
    rules: {
      'vue/block-order': ['error', { order: ['script', 'template', 'style'] }],
      'vue/component-api-style': ['error', ['script-setup']],
      '@intlify/vue-i18n/no-raw-text': ['error', { ignorePattern: '^[\\s\\d\\W]*$' }],
    },
    settings: { 'vue-i18n': { localeDir: './src/**/locales/*.json', messageSyntaxVersion: '^11.0.0' } },
  },
  {
    rules: {
      // A name that begins with _ says that it is left out on purpose, as when a key is taken off an object.
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      // Prettier owns the layout.
      'vue/max-attributes-per-line': 'off',
      'vue/singleline-html-element-content-newline': 'off',
      'vue/html-self-closing': 'off',
      'vue/html-indent': 'off',
      'vue/html-closing-bracket-newline': 'off',
      'vue/first-attribute-linebreak': 'off',
      'vue/multiline-html-element-content-newline': 'off',
      'vue/require-default-prop': 'off',
      // Every label of ours encloses or names its control; nesting alone is enough.
      'vuejs-accessibility/label-has-for': 'off',
      'vuejs-accessibility/no-autofocus': 'off',
    },
  },
  {
    files: ['src/**/*.{ts,vue}'],
    ignores: ['src/**/*.api.ts', 'src/api/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          patterns: [
            { group: ['@/api/client'], message: 'Only *.api.ts talks to the server.' },
            { group: ['@/features/*/*'], message: 'Import another feature through its index.ts.' },
          ],
        },
      ],
    },
  },
)
