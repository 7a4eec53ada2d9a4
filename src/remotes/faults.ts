import { EXIT, PipelineError } from '../base/error.ts';
import type { ExitCode } from '../base/error.ts';
import { CORRUPT_HINT } from '../base/remote.ts';
import type { RemoteConfig } from '../base/remote.ts';
import { schemeOf } from './server-address.ts';

/** What can be wrong with a remote; the error's code is `remote.<kind>`. */
export type FaultKind =
  | 'unreachable'
  | 'denied'
  | 'credentials'
  | 'not-found'
  | 'object-missing'
  | 'corrupt'
  | 'quota'
  | 'full'
  | 'clock'
  | 'proxy'
  | 'unknown-scheme'
  | 'option';

/** What a remote knows about one failure besides its kind. */
export interface FaultDetails {
  /** Ends the sentence after the remote's name: what happened, values in quotes. */
  readonly what: string;
  readonly hint?: string | undefined;
  readonly retryable?: boolean;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** Faults that the user mends in remotes.yaml or beside it, and that therefore point into it. */
const CONFIG_FAULTS: readonly FaultKind[] = ['credentials', 'not-found', 'unknown-scheme', 'option'];

const HINTS: Readonly<Record<FaultKind, string>> = {
  unreachable: 'check the network and the url in remotes.yaml, then run the command again',
  denied: 'give this account the right to do so',
  credentials: 'check the credentials of this remote in remotes.yaml and the variables they name',
  'not-found': 'create it, or correct the url in remotes.yaml',
  'object-missing': 'push it again from a machine that has it, or make it again with "lockstep repro"',
  corrupt: CORRUPT_HINT,
  quota: 'wait a while and run the command again; what was sent stays sent. A lower "jobs" asks less often',
  full: 'make room there, then run the command again; what was sent stays sent',
  clock: "set this machine's clock right, for instance by NTP",
  proxy: 'correct the variable, or name the host of the remote in NO_PROXY to reach it without a proxy',
  'unknown-scheme': 'correct the url in remotes.yaml',
  option: 'correct it in remotes.yaml',
};

/** What helps where something answers that is not what is meant. */
export const STRANGE =
  'correct the url or the endpoint: a login page, a proxy or another service answers in place of the one that is meant';

/** The least rights by scheme; the pages in docs/remotes say how to give them. */
const RIGHTS: Readonly<Record<string, string>> = {
  s3: 'give this key s3:ListBucket on the bucket and s3:GetObject and s3:PutObject on its objects; removing takes s3:DeleteObject',
  gs: 'give this account the role roles/storage.objectUser on the bucket; to read only, roles/storage.objectViewer',
  azure: 'the least rights of a SAS token are "rcwl" on the container, "rl" to read only; removing takes "d"',
  gdrive: 'share the folder with this account as an editor; in a shared drive make it a content manager',
};

/** Makes the error of one failure: `remote "<name>": <what>`, with a hint that fits its kind unless one is given. */
export function remoteFault(config: RemoteConfig, kind: FaultKind, details: FaultDetails): PipelineError {
  const ofConfig = CONFIG_FAULTS.includes(kind);
  const exit: ExitCode = ofConfig ? EXIT.user : EXIT.failed;
  return new PipelineError(`remote.${kind}`, `remote "${config.name}": ${details.what}`, {
    exit,
    hint: details.hint ?? (kind === 'denied' ? rightsOf(config) : HINTS[kind]),
    ...(ofConfig && { at: config.at }),
    retryable: details.retryable ?? false,
    ...(details.retryAfterMs !== undefined && { retryAfterMs: details.retryAfterMs }),
    ...(details.cause !== undefined && { cause: details.cause }),
  });
}

function rightsOf({ url }: RemoteConfig): string {
  return RIGHTS[schemeOf(url) ?? ''] ?? HINTS.denied;
}

/** The error for an object that is not there. */
export function objectMissing(config: RemoteConfig, key: string): PipelineError {
  return remoteFault(config, 'object-missing', { what: `has no "${key}"` });
}

/** True for the error of an object that is not there. */
export function isObjectMissing(error: unknown): boolean {
  return error instanceof PipelineError && error.code === 'remote.object-missing';
}

/** What a call gives. What it throws passes through `faultOf`, unless the signal has told it to stop: then its reason is thrown. */
export async function withFaults<T>(
  signal: AbortSignal,
  faultOf: (error: unknown) => unknown,
  call: () => Promise<T>,
): Promise<T> {
  try {
    return await call();
  } catch (error) {
    signal.throwIfAborted();
    throw faultOf(error);
  }
}

/** What a call gives; `undefined` when it fails because the object is not there. */
export async function unlessMissing<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (isObjectMissing(error)) return undefined;
    throw error;
  }
}
