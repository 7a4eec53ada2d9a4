import type { GoogleAuth, GoogleAuthOptions } from 'google-auth-library';
import type { LearningRedactor } from './discreet.ts';
import { secretsOf } from './key-file.ts';

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

/**
 * Google's way from a key file, or without one from what the machine has, to credentials. Files of every kind are read
 * when credentials are first needed; the redactor learns what they hold, and every token.
 */
export async function createGoogleAuth(
  keyFile: string | undefined,
  options: Omit<GoogleAuthOptions, 'clientOptions'>,
  redactor: LearningRedactor,
): Promise<GoogleAuth> {
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
    for (const secret of secretsOf({ ...auth.jsonContent })) redactor.learn(secret);
    if (client.listenerCount('tokens') === 0)
      client.on('tokens', ({ access_token: token }) => typeof token === 'string' && redactor.learn(token));
    return client;
  };
  return auth;
}
