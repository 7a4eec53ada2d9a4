import type { GoogleAuth, GoogleAuthOptions, OAuth2Client } from 'google-auth-library';
import type { RemoteConfig, RemoteTools } from '../base/remote.ts';
import { learnHeaders } from './discreet.ts';
import { remoteFault } from './faults.ts';
import { googleFault } from './google-fault.ts';
import { readKeyFile, secretsOf, textOf } from './key-file.ts';
import { credentialsFault } from './web-fault.ts';

/**
 * Another try for a token is the caller's decision, as for anything else. All who need one wait for one request, which
 * therefore has to end by itself.
 */
export const TOKEN_ONCE = { retryConfig: { retry: 0, noResponseRetries: 0 }, timeout: 30_000 } as const;

/**
 * Neither objects nor files belong to a project when they are asked for. Without a name the library looks for one: it runs
 * gcloud, waits seconds for a metadata server that no laptop has, and asks an API that few accounts may use.
 */
const NO_PROJECT = 'none';

/** What a file must hold to be a key of its `type`; one without a type is taken for a service account's. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  service_account: ['client_email', 'private_key'],
  authorized_user: ['client_id', 'client_secret', 'refresh_token'],
  external_account: ['audience', 'subject_token_type', 'token_url'],
};
const KEY_HINT =
  'name the key of a service account, as JSON, a workload identity\'s configuration, or what "gcloud auth application-default login" has made; an OAuth client is none of these';

/**
 * Reads a key file of Google's. Throws `remote.credentials` when it cannot be read, lacks what a key must hold or would have
 * something of this machine sent elsewhere.
 */
function readGoogleKey(config: RemoteConfig, path: string): Readonly<Record<string, unknown>> {
  const key = readKeyFile(config, path);
  const { type = 'service_account' } = key;
  const fields = typeof type === 'string' && Object.hasOwn(FIELDS, type) ? FIELDS[type] : [];
  for (const name of fields ?? []) textOf(config, key, { name, path, hint: KEY_HINT });
  refuseStrangers(config, key, path);
  return key;
}

/**
 * A workload identity names a file of this machine and whom its bytes are sent to, and remotes.yaml comes with a clone,
 * as the file may. The library takes the names of fields in camel case, too.
 */
function refuseStrangers(config: RemoteConfig, key: unknown, path: string): void {
  if (typeof key !== 'object' || key === null) return;
  const fields = Object.entries(key).filter(([, value]) => value !== undefined && value !== null);
  // An impersonation begins with the credentials of another kind, whose token its `endpoint` is sent.
  for (const [name, value] of fields)
    if (/^source_?credentials$/i.test(name)) refuseStrangers(config, value, path);
  if (!('type' in key) || !['external_account', 'impersonated_service_account'].includes(String(key.type)))
    return;
  for (const [name, value] of fields) {
    if (
      /(url|endpoint)$/i.test(name)
        ? isGoogles(value)
        : !/^universe_?domain$/i.test(name) || `.${value as string}` === GOOGLE
    )
      continue;
    throw remoteFault(config, 'credentials', {
      what: `"${name}" in the file "${path}" leads to another server than Google's, which would be sent what the file names`,
      hint: 'if you trust whoever wrote the file, leave "credentials" out and name it in GOOGLE_APPLICATION_CREDENTIALS',
    });
  }
}

const GOOGLE = '.googleapis.com';

function isGoogles(value: unknown): boolean {
  if (typeof value !== 'string' || !URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return protocol === 'https:' && hostname.endsWith(GOOGLE);
}

/**
 * What identifies us, for a url; it is learned. Whatever fails here is an error of the remote's own: no answer about an
 * object is in it.
 */
export async function identify(
  url: string,
  {
    config,
    auth,
    learn,
  }: {
    readonly config: RemoteConfig;
    readonly auth: Pick<GoogleAuth | OAuth2Client, 'getRequestHeaders'>;
    readonly learn: RemoteTools['learn'];
  },
): Promise<Headers> {
  try {
    return learnHeaders(await auth.getRequestHeaders(url), learn);
  } catch (error) {
    throw credentialsFault(config, googleFault(config, error));
  }
}

/**
 * Google's way from a key file, or without one from what the machine has, to credentials. What they hold is learned, and
 * every token. Throws `remote.credentials` for a key file that cannot be one.
 */
export async function createGoogleAuth(
  config: RemoteConfig,
  keyFile: string | undefined,
  { learn, ...options }: Pick<GoogleAuthOptions, 'scopes' | 'projectId'> & Pick<RemoteTools, 'learn'>,
): Promise<GoogleAuth> {
  if (keyFile !== undefined) secretsOf(readGoogleKey(config, keyFile)).forEach(learn);
  const library = await import('google-auth-library');
  const clientOptions = { transporterOptions: TOKEN_ONCE };
  const auth = new library.GoogleAuth({ projectId: NO_PROJECT, ...options, clientOptions });
  const find = auth.getClient.bind(auth);
  let reading: Promise<unknown> | undefined;
  auth.getClient = async () => {
    // As an environment's file is read: of an option's the library warns, for it may be a stranger's, on each command.
    if (keyFile !== undefined)
      await (reading ??= auth._getApplicationCredentialsFromFilePath(keyFile, clientOptions));
    const client = await find();
    for (const secret of secretsOf({ ...auth.jsonContent })) learn(secret);
    if (client.listenerCount('tokens') === 0)
      client.on('tokens', ({ access_token: token }) => typeof token === 'string' && learn(token));
    return client;
  };
  return auth;
}
