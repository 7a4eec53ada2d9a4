import type { GoogleAuth, OAuth2Client } from 'google-auth-library';
import type { RemoteConfig, RemoteTools } from '../base/remote.ts';
import { remoteFault } from './faults.ts';
import { TOKEN_ONCE, createGoogleAuth } from './google-auth.ts';
import { readKeyFile, secretsOf, textOf } from './key-file.ts';

const SCOPES = ['https://www.googleapis.com/auth/drive'];
const hint =
  'download the OAuth client again, and make the token with its scope https://www.googleapis.com/auth/drive';

export interface DriveAuthOptions {
  readonly credentials?: string | undefined;
  readonly client?: string | undefined;
  readonly token_file?: string | undefined;
  readonly endpoint?: string | undefined;
}

/**
 * A key file (service account, workload identity or a user's), or an OAuth client of one's own with a file that holds
 * its `refresh_token`, or Application Default Credentials. What of them must not be told is learned. Throws
 * `remote.credentials` and `remote.option`.
 */
export async function openDriveAuth(
  config: RemoteConfig,
  options: DriveAuthOptions,
  learn: RemoteTools['learn'],
): Promise<GoogleAuth | OAuth2Client> {
  const { credentials, client, token_file: tokenFile, endpoint } = options;
  if ((client === undefined) !== (tokenFile === undefined)) {
    throw remoteFault(config, 'option', { what: '"client" and "token_file" belong together' });
  }
  if (credentials !== undefined && client !== undefined) {
    throw remoteFault(config, 'option', {
      what: 'both "credentials" and "client" are given',
      hint: 'keep one of them',
    });
  }
  if (client === undefined || tokenFile === undefined)
    return createGoogleAuth(config, credentials, { scopes: SCOPES, learn });
  const file = readKeyFile(config, client);
  const inner = (file['installed'] ?? file['web'] ?? file) as Readonly<Record<string, unknown>>;
  const token = readKeyFile(config, tokenFile);
  const clientId = textOf(config, inner, { name: 'client_id', path: client, hint });
  const clientSecret = textOf(config, inner, { name: 'client_secret', path: client, hint });
  const refreshToken = textOf(config, token, { name: 'refresh_token', path: tokenFile, hint });
  for (const secret of [clientSecret, ...secretsOf(token)]) learn(secret);
  const { OAuth2Client } = await import('google-auth-library');
  const auth = new OAuth2Client({
    clientId,
    clientSecret,
    transporterOptions: TOKEN_ONCE,
    ...(endpoint !== undefined && { endpoints: { oauth2TokenUrl: new URL('token', endpoint).href } }),
  });
  auth.setCredentials({ refresh_token: refreshToken });
  return auth;
}
