import { client, unwrap } from '@/api/client'
import type { Webhook, WebhookAttempt, WebhookCreate, WebhookCreated, WebhookPatch } from '@/api/types'

const of = (project: string, id: string) => ({ params: { path: { project, webhook_id: id } } })

export function listWebhooks(project: string): Promise<Webhook[]> {
  return unwrap(client.GET('/api/v1/projects/{project}/webhooks', { params: { path: { project } } }))
}

export function createWebhook(project: string, body: WebhookCreate): Promise<WebhookCreated> {
  return unwrap(client.POST('/api/v1/projects/{project}/webhooks', { params: { path: { project } }, body }))
}

export function updateWebhook(project: string, id: string, body: WebhookPatch): Promise<Webhook> {
  return unwrap(
    client.PATCH('/api/v1/projects/{project}/webhooks/{webhook_id}', { ...of(project, id), body }),
  )
}

export async function deleteWebhook(project: string, id: string): Promise<void> {
  await client.DELETE('/api/v1/projects/{project}/webhooks/{webhook_id}', of(project, id))
}

export async function renewWebhookSecret(project: string, id: string): Promise<string> {
  const path = '/api/v1/projects/{project}/webhooks/{webhook_id}/secret'
  return (await unwrap(client.POST(path, of(project, id)))).secret
}

export function testWebhook(project: string, id: string): Promise<Webhook> {
  return unwrap(client.POST('/api/v1/projects/{project}/webhooks/{webhook_id}/test', of(project, id)))
}

export function listWebhookAttempts(project: string, id: string): Promise<WebhookAttempt[]> {
  return unwrap(client.GET('/api/v1/projects/{project}/webhooks/{webhook_id}/attempts', of(project, id)))
}
