import type { RemoteConfig } from '../base/remote.ts';
import { remoteFault } from './faults.ts';
import { isMisread, strangeAnswer, webFault } from './web-fault.ts';
import type { FaultNames } from './web-fault.ts';

const CREDENTIALS =
  'name a key file in the option "credentials", or run "gcloud auth application-default login" on this machine';
const SHARED_DRIVE =
  'a service account has no space of its own: use a folder of a shared drive that it is a member of, or a client of your own';

/** Google's reasons (Cloud Storage and Drive share the scheme) and what its auth library says. */
const NAMES: FaultNames = {
  authError: 'credentials',
  invalid_grant: ['credentials', 'the token was withdrawn or has expired: make a new one'],
  invalid_client: 'credentials',
  unauthorized_client: 'credentials',
  deleted_client: 'credentials',
  'no-credentials': ['credentials', CREDENTIALS, 'no credentials are found on this machine'],
  clock: 'clock',
  forbidden: 'denied',
  insufficientPermissions: 'denied',
  insufficientFilePermissions: 'denied',
  accessNotConfigured: ['denied', 'switch the API on for this project in the Google Cloud console'],
  appNotAuthorizedToFile: 'denied',
  domainPolicy: 'denied',
  cannotDownloadAbusiveFile: 'denied',
  rateLimitExceeded: 'quota',
  userRateLimitExceeded: 'quota',
  sharingRateLimitExceeded: 'quota',
  storageQuotaExceeded: ['full', SHARED_DRIVE],
  quotaExceeded: 'full',
  teamDriveFileLimitExceeded: 'full',
  numChildrenInNonRootLimitExceeded: 'full',
  activeItemCreationLimitExceeded: 'full',
  teamDriveHierarchyTooDeep: 'denied',
  backendError: 'unreachable',
  internalError: 'unreachable',
  transientError: 'unreachable',
};

interface GoogleError {
  readonly code?: unknown;
  readonly status?: unknown;
  readonly errors?: readonly { readonly reason?: string }[];
  readonly response?: {
    readonly status?: number;
    readonly headers?: unknown;
    readonly data?: unknown;
  };
}

/** The HTTP status of a Google error; `undefined` when no answer came. */
export function googleStatus(error: unknown): number | undefined {
  const { code, status, response } = (error ?? {}) as GoogleError;
  const found = response?.status ?? status ?? code;
  const number = typeof found === 'string' && /^\d{3}$/.test(found) ? Number(found) : found;
  return typeof number === 'number' && number >= 100 && number < 600 ? number : undefined;
}

/** An error of Google's SDKs as the remote's own. */
export function googleFault(config: RemoteConfig, error: unknown): unknown {
  const text = error instanceof Error ? error.message : '';
  // JSON was expected, of the API or of what gives out tokens.
  if (isMisread(error)) return strangeAnswer(config, error);
  const { errors, response } = (error ?? {}) as GoogleError;
  const data = asObject(parsed(response?.data));
  const code = reasonOf(text, data, errors);
  if (code === 'dailyLimitExceeded') {
    return remoteFault(config, 'quota', {
      what: "this project's quota of requests for today is used up",
      hint: 'wait until midnight Pacific time, or ask for more in the Google Cloud console',
      cause: error,
    });
  }
  const said = asObject(data?.['error'])?.['message'] ?? data?.['error_description'];
  const own = text.startsWith('Multiple errors occurred') ? undefined : text;
  return webFault(
    config,
    error,
    {
      status: googleStatus(error),
      code,
      message: typeof said === 'string' ? said : own,
      retryAfter: headerOf(response?.headers, 'retry-after'),
      date: headerOf(response?.headers, 'date'),
    },
    NAMES,
  );
}

/** The same, but a 404 as it is: whether the object is missing or its place is found out further up. */
export function googleFaultExcept404(config: RemoteConfig, error: unknown): unknown {
  return googleStatus(error) === 404 ? error : googleFault(config, error);
}

/** The error for an upload that the server has stored with other bytes than were sent. */
export function arrivedWrong(config: RemoteConfig, name: string): Error {
  return remoteFault(config, 'corrupt', {
    what: `"${name}" arrived with other bytes than were sent`,
    hint: 'run the command again',
    retryable: true,
  });
}

/** The error for an upload whose session is gone: another one, from the first byte, may do. */
export function uploadGivenUp(config: RemoteConfig): Error {
  return remoteFault(config, 'unreachable', {
    what: 'the server gave up an upload that was under way',
    hint: 'run the command again; what was sent whole stays sent',
    retryable: true,
  });
}

type Data = Readonly<Record<string, unknown>>;

/** Google's name for a fault, or ours for what only its words tell. */
function reasonOf(text: string, data: Data | undefined, errors: GoogleError['errors']): string | undefined {
  if (
    /reasonable timeframe|Token used too (early|late)|Invalid JWT.*(iat|exp)/.test(
      `${text} ${String(data?.['error_description'])}`,
    )
  )
    return 'clock';
  if (/Could not load the default credentials|Unable to detect a Project Id/.test(text))
    return 'no-credentials';
  const fault = data?.['error'];
  if (typeof fault === 'string') return fault;
  const listed = asObject(fault)?.['errors'];
  const reasons = Array.isArray(listed) ? (listed as NonNullable<GoogleError['errors']>) : errors;
  return reasons?.find(({ reason }) => reason !== undefined)?.reason;
}

/** Some answers arrive as text. */
function parsed(data: unknown): unknown {
  if (typeof data !== 'string' || !data.startsWith('{')) return data;
  try {
    return JSON.parse(data) as unknown;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

function asObject(value: unknown): Data | undefined {
  return typeof value === 'object' && value !== null ? (value as Data) : undefined;
}

function headerOf(headers: unknown, name: string): string | null {
  // The vendor's clients bring a `Headers` of their own.
  if (hasGet(headers)) return headers.get(name);
  const value = asObject(headers)?.[name];
  return typeof value === 'string' ? value : null;
}

function hasGet(value: unknown): value is { get(name: string): string | null } {
  return typeof asObject(value)?.['get'] === 'function';
}
