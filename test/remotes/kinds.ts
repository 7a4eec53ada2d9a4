import type { Json } from '../../src/base/types.ts';

/** A credential that must be told nowhere; in the environment as `CANARY`. */
export const CANARY = 'Q0FOQVJZLWNyZWRlbnRpYWwtb2YtdGVzdHM=';

/** Files that the options of `KINDS` name. */
export const KEY_FILES: Readonly<Record<string, string>> = {
  'client.json': JSON.stringify({ installed: { client_id: 'id', client_secret: `${CANARY}client` } }),
  'token.json': JSON.stringify({ refresh_token: `${CANARY}refresh` }),
};

/**
 * Every kind of remote over a server: url and options, with its credentials as `${env:CANARY}` or in `KEY_FILES`. Without an origin
 * Drive's is Google's own.
 */
export const KINDS: Readonly<
  Record<
    string,
    (origin: string) => { readonly url: string; readonly options: Readonly<Record<string, Json>> }
  >
> = {
  s3: (endpoint) => ({
    url: 's3://bucket/some',
    options: { endpoint, access_key_id: 'AKTEST', secret_access_key: '${env:CANARY}' },
  }),
  gcs: (endpoint) => ({ url: 'gs://bucket/some', options: { endpoint, project: 'test' } }),
  'azure key': (origin) => ({
    url: 'azure://box/some',
    options: { endpoint: `${origin}/me`, account: 'me', account_key: '${env:CANARY}' },
  }),
  'azure sas': (origin) => ({
    url: 'azure://box/some',
    options: { endpoint: `${origin}/me`, account: 'me', sas_token: 'sv=2024-11-04&sig=${env:CANARY}' },
  }),
  gdrive: (endpoint) => ({
    url: 'gdrive://root/some',
    options: { ...(endpoint !== '' && { endpoint }), client: 'client.json', token_file: 'token.json' },
  }),
  http: (origin) => ({ url: `${origin}/some`, options: { user: 'me', password: '${env:CANARY}' } }),
};

/** remotes.yaml with the one remote `cloud` of a kind. */
export function yamlOf(kind: string, origin: string): string {
  const { url, options } = KINDS[kind]?.(origin) ?? { url: kind, options: {} };
  return `remotes:\n  cloud: ${JSON.stringify({ url, ...options })}\n`;
}
