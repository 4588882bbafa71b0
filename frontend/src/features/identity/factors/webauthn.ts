import type { AuthenticatorAnswer } from '@/api/types'
import { t } from '@/shared/i18n'

/** Thrown when the person or the device did not go through with it. */
export class PasskeyAborted extends Error {
  override name = 'PasskeyAborted'
}

/** Whether passkeys can work at `hostname`: browsers bind them to names, never to numbers. */
export function canUsePasskeys(hostname = location.hostname): boolean {
  const isNumber = /^[\d.]+$|:|^\[/.test(hostname)
  return !isNumber && 'PublicKeyCredential' in window && 'parseRequestOptionsFromJSON' in PublicKeyCredential
}

/** Has an authenticator make a passkey. */
export async function createPasskey(options: object): Promise<AuthenticatorAnswer> {
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(
    options as PublicKeyCredentialCreationOptionsJSON,
  )
  return answered(() => navigator.credentials.create({ publicKey }))
}

/** Has an authenticator sign. */
export async function usePasskey(options: object): Promise<AuthenticatorAnswer> {
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(
    options as PublicKeyCredentialRequestOptionsJSON,
  )
  return answered(() => navigator.credentials.get({ publicKey }))
}

async function answered(ask: () => Promise<Credential | null>): Promise<AuthenticatorAnswer> {
  const credential = await ask().catch((error: unknown) => {
    throw new PasskeyAborted(reason(error))
  })
  if (!(credential instanceof PublicKeyCredential)) throw new PasskeyAborted(t('security.passkey.aborted'))
  return credential.toJSON() as AuthenticatorAnswer
}

function reason(error: unknown): string {
  const name = error instanceof DOMException ? error.name : ''
  if (name === 'InvalidStateError') return t('security.passkey.taken')
  if (name === 'SecurityError') return t('security.passkey.elsewhere')
  return t('security.passkey.aborted')
}
