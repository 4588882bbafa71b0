import { beforeEach, describe, expect, it } from 'vitest'
import { changeMessage, forgetChangeMessages, LONGEST_MESSAGE, useChangeMessage } from './useChangeMessage'

beforeEach(forgetChangeMessages)

describe('the message of the next changes', () => {
  it('is one for each project', () => {
    const [one, other] = [useChangeMessage('ONE'), useChangeMessage(() => 'TWO')]
    one.value = '  Review of May '
    expect([one.value, other.value]).toEqual(['Review of May', ''])
    other.value = 'Supplier'
    one.value = ' '
    expect([changeMessage('ONE'), changeMessage('TWO')]).toEqual(['', 'Supplier'])
  })

  it('is no longer than the server takes', () => {
    useChangeMessage('ONE').value = 'x'.repeat(LONGEST_MESSAGE + 1)
    expect(changeMessage('ONE')).toHaveLength(LONGEST_MESSAGE)
  })

  it('is forgotten with all others', () => {
    useChangeMessage('ONE').value = 'Mine'
    forgetChangeMessages()
    expect(changeMessage('ONE')).toBe('')
  })
})
