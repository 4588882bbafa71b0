const KEEP_MS = 60_000

/** Has the browser save `file` as a download. */
export function save(file: File): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(file)
  link.download = file.name
  link.click()
  // The browser needs the address until it has taken the file over, which it does not tell.
  setTimeout(() => URL.revokeObjectURL(link.href), KEEP_MS)
}
