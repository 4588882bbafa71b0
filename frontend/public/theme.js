// Runs before the first paint, so that a dark page never flashes white. A file of its own: inline scripts are forbidden.
;(() => {
  const chosen = localStorage.getItem('reqtrail-theme') ?? 'auto'
  const dark = chosen === 'dark' || (chosen === 'auto' && matchMedia('(prefers-color-scheme: dark)').matches)
  document.documentElement.classList.toggle('dark', dark)
})()
