import type { Readable } from 'node:stream';
import { PipelineError } from '../base/error.ts';
import { createRedactor } from '../base/redact.ts';
import type { Redactor } from '../base/redact.ts';
import type { Remote, RemoteConfig, RemoteEntry, TryAgain } from '../base/remote.ts';
import type { Json } from '../base/types.ts';
import { derivedStream } from './derived-stream.ts';
import { withFaults } from './faults.ts';

/** Options whose value is a credential; names of files and of keys are none. */
const SECRET_OPTION = /(secret|token|password|passphrase|connection_string|sas|_key)$/;

/** Masks secrets in texts. */
export type TextRedactor = Pick<Redactor, 'text'>;

/** Learns of secrets on the way: access tokens exist only once they have been asked for. */
export interface LearningRedactor extends TextRedactor {
  readonly learn: (secret: string) => void;
}

/** Masks what must not be told of a remote: its credentials, and a password in its url. */
export function redactorFor(config: RemoteConfig): LearningRedactor {
  const secrets = [...(config.secrets ?? []), ...(config.proxies?.secrets ?? [])];
  for (const [name, value] of Object.entries(config.options))
    if (SECRET_OPTION.test(name)) secrets.push(...textsOf(value));
  const password = /^[a-z]+:\/\/[^/@:]*:([^/@]*)@/i.exec(config.url)?.[1];
  if (password !== undefined) secrets.push(password);
  const known = new Set(secrets.flatMap(formsOf));
  let redactor = createRedactor(known);
  return {
    learn(secret) {
      if (known.has(secret)) return;
      for (const form of formsOf(secret)) known.add(form);
      redactor = createRedactor(known);
    },
    text: (text) => redactor.text(text),
  };
}

function textsOf(value: Json): readonly string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number' || typeof value === 'bigint') return [String(value)];
  return [];
}

/** A secret as it may turn up: itself, in a URL, in JSON, the parts of a connection string, the lines of a key. */
function formsOf(secret: string): readonly string[] {
  const parts = secret
    .split(/[;\n]|(?:AccountKey|SharedAccessSignature|sig)=/)
    .filter((part) => part.length >= 8);
  return [secret, ...parts].flatMap((text) => [
    text,
    // Padding of base64 gets lost on the way.
    text.replace(/=+$/, ''),
    encodeURIComponent(text),
    JSON.stringify(text).slice(1, -1),
  ]);
}

/** Learns what an `Authorization` header gives away. */
export function learnHeaders(headers: Headers, learn: LearningRedactor['learn']): Headers {
  const token = headers.get('authorization')?.split(' ').at(-1);
  if (token !== undefined) learn(token);
  return headers;
}

/**
 * A remote whose errors, also those of its streams, hold no secret: texts are masked and causes are left behind,
 * since the errors of SDKs carry whole requests with their headers.
 */
export function discreet(remote: Remote, redactor: TextRedactor): Remote {
  const guard = <T>(signal: AbortSignal, call: () => Promise<T>): Promise<T> =>
    withFaults(signal, (error) => withoutSecrets(error, redactor), call);
  return {
    ...remote,
    head: (key, signal) => guard(signal, () => remote.head(key, signal)),
    put: (key, body, signal) => guard(signal, () => remote.put(key, body, signal)),
    remove: (key, signal) => guard(signal, () => remote.remove(key, signal)),
    ...(remote.flush && { flush: (signal) => guard(signal, async () => remote.flush?.(signal)) }),
    async get(key, signal, from) {
      const source = await guard(signal, () => remote.get(key, signal, from));
      if ('file' in source)
        return { ...source, faultOf: (error) => withoutSecrets(source.faultOf(error), redactor) };
      return { ...source, stream: derivedStream(source.stream, pieces(source.stream, redactor)) };
    },
    async *list(prefix, signal): AsyncGenerator<RemoteEntry, void, undefined> {
      try {
        yield* remote.list(prefix, signal);
      } catch (error) {
        signal.throwIfAborted();
        throw withoutSecrets(error, redactor);
      }
    },
  };
}

/** Tries again with errors that hold no secret: each is told before the wait that follows it. */
export function discreetTries(tryAgain: TryAgain, redactor: TextRedactor): TryAgain {
  return (signal, call) =>
    tryAgain(signal, () => withFaults(signal, (error) => withoutSecrets(error, redactor), call));
}

async function* pieces(
  stream: Readable,
  redactor: TextRedactor,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield* stream as AsyncIterable<Uint8Array>;
  } catch (error) {
    throw withoutSecrets(error, redactor);
  }
}

/** The same error with its texts masked and without its cause. */
export function withoutSecrets(error: unknown, redactor: TextRedactor): Error {
  if (error instanceof PipelineError) {
    const [first] = error.problems;
    return new PipelineError(error.code, redactor.text(error.message), {
      exit: error.exit,
      retryable: error.retryable,
      ...(first.hint !== undefined && { hint: redactor.text(first.hint) }),
      ...(first.at && { at: first.at }),
      ...(error.retryAfterMs !== undefined && { retryAfterMs: error.retryAfterMs }),
    });
  }
  const plain = new Error(redactor.text(error instanceof Error ? error.message : String(error)));
  if (error instanceof Error && error.stack !== undefined) plain.stack = redactor.text(error.stack);
  return plain;
}
