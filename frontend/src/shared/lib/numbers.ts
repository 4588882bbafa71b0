const format = new Intl.NumberFormat('en')

/** 12,345 */
export function count(value: number): string {
  return format.format(value)
}

/** 1.4 MB, in powers of 1000. */
export function bytes(size: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = size
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  return `${unit ? value.toFixed(1) : value} ${units[unit]}`
}
