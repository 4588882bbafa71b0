#!/usr/bin/env bash
# Looks for secrets in the files that git knows, or in those that are named. Nothing is let pass by a baseline.
set -euo pipefail
cd "$(dirname "$0")/.."
scan=".venv/bin/detect-secrets-hook"
if [ "$#" -gt 0 ]; then
  exec "$scan" "$@"
fi
# Locks hold hashes, translations hold the word "password", and one test holds keys that everybody knows.
mapfile -t files < <(git ls-files -- ':!*.lock' ':!frontend/package-lock.json' ':!frontend/src/shared/i18n/locales' \
  ':!backend/tests/kit/test_secret_strength.py')
product=() tests=()
for file in "${files[@]}"; do
  [ -f "$file" ] || continue
  case "$file" in
    backend/tests/* | frontend/e2e/* | frontend/playwright.config.ts | *.test.ts) tests+=("$file") ;;
    *) product+=("$file") ;;
  esac
done
# The words of settings, of examples, of purposes, of a test's address, of a command, and names of files in the documentation.
words='^(everybody|administrators|as the provider says|password|password_reset|reset-password|pw|openssl rand -base64 48|`?features/[a-z/_]+\.py`?,?)$'
"$scan" --exclude-secrets "$words" "${product[@]}"
# Tests sign in with passwords of their own, also within addresses, show a picture, and know the roots of Merkle trees of RFC 6962.
"$scan" --disable-plugin KeywordDetector --disable-plugin BasicAuthDetector --exclude-secrets "$words" --exclude-secrets '^iVBORw0KGgo' \
  --exclude-lines '^ +[0-9]+: "[0-9a-f]{64}",$' "${tests[@]}"
