import { describe, expect, it } from 'vitest'
import { inTurn, isBusy } from './turns'

function gate() {
  let open = (): void => undefined
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { opened, open }
}

describe('turns', () => {
  it('begins the next work of a project when the one before has ended, also badly', async () => {
    const [first, told] = [gate(), [] as string[]]
    const failing = inTurn('A', async () => {
      await first.opened
      told.push('first')
      throw new Error('refused')
    })
    const second = inTurn('A', async () => void told.push('second'))
    await inTurn('B', async () => void told.push('of another project'))
    expect(told).toEqual(['of another project'])
    first.open()
    await expect(failing).rejects.toThrow('refused')
    await second
    expect(told).toEqual(['of another project', 'first', 'second'])
  })

  it('says whether anything of a project is on its way', async () => {
    const [work, busy] = [gate(), isBusy(() => 'C')]
    expect(busy.value).toBe(false)
    const done = inTurn('C', () => work.opened)
    expect(busy.value).toBe(true)
    work.open()
    await done
    expect(busy.value).toBe(false)
  })
})
