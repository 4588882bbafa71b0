import { TableKit, Table } from '@tiptap/extension-table'
import { mergeAttributes, type Extensions } from '@tiptap/core'

/** A table without the widths that the library writes as styles: the page's policy allows no style attributes. */
const PlainTable = Table.extend({
  renderHTML({ HTMLAttributes }) {
    return ['table', mergeAttributes(this.options.HTMLAttributes, HTMLAttributes), ['tbody', 0]]
  },
})

/** All that a table needs. */
export const tableExtensions: Extensions = [TableKit.configure({ table: false }), PlainTable]
