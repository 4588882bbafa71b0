import Image from '@tiptap/extension-image'

/** A picture that remembers which file of the project it shows. */
export const pictureExtension = Image.extend({
  addAttributes() {
    return {
      ...this.parent?.(),
      'data-path': {
        default: null,
        parseHTML: (element: HTMLElement) => element.getAttribute('data-path'),
      },
    }
  },
}).configure({ inline: true })
