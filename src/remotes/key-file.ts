import { readFileSync } from 'node:fs';
import { isSystemError } from '../base/error.ts';
import type { RemoteConfig } from '../base/remote.ts';
import { remoteFault } from './faults.ts';

/**
 * Reads a JSON file of credentials. Throws `remote.credentials` naming the file, and never its content, when it
 * cannot be read or is no JSON object.
 */
export function readKeyFile(config: RemoteConfig, path: string): Readonly<Record<string, unknown>> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if (!isSystemError(error)) throw error;
    throw remoteFault(config, 'credentials', {
      what: `the file "${path}" cannot be read (${error.code})`,
      hint: 'put the file there, outside of what git keeps, or correct the path in remotes.yaml',
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    // The parser's message quotes the text, which is a secret.
    value = undefined;
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw remoteFault(config, 'credentials', {
      what: `the file "${path}" is no JSON object`,
      hint: 'download the key again, as JSON',
    });
  }
  return value as Readonly<Record<string, unknown>>;
}

/** A text of a key file. Throws `remote.credentials` naming what lacks it. */
export function textOf(
  config: RemoteConfig,
  file: Readonly<Record<string, unknown>>,
  { name, path, hint }: { readonly name: string; readonly path: string; readonly hint: string },
): string {
  const value = file[name];
  if (typeof value === 'string' && value !== '') return value;
  throw remoteFault(config, 'credentials', { what: `the file "${path}" has no "${name}"`, hint });
}

/** What of a key file must never be told. */
export function secretsOf(file: Readonly<Record<string, unknown>>): readonly string[] {
  const secrets: string[] = [];
  for (const [name, value] of Object.entries(file)) {
    if (typeof value === 'string' && /(secret|token|private_key)$/.test(name)) secrets.push(value);
    else if (typeof value === 'object' && value !== null)
      secrets.push(...secretsOf(value as Record<string, unknown>));
  }
  return secrets;
}
