import { PipelineError } from '../base/error.ts';
import type { RemoteConfig } from '../base/remote.ts';
import { remoteFault } from './faults.ts';
import type { FaultKind } from './faults.ts';

/** What a server answered, as far as an SDK tells it. */
export interface Answer {
  /** HTTP status; absent when no answer came. */
  readonly status?: number | undefined;
  /** The service's own name of the fault, such as `NoSuchBucket`. */
  readonly code?: string | undefined;
  readonly message?: string | undefined;
  /** The `Retry-After` header: seconds or an HTTP date. */
  readonly retryAfter?: string | null | undefined;
  /** The `Date` header; a `Retry-After` date is counted from it, never from this machine's clock. */
  readonly date?: string | null | undefined;
}

/** What the service calls its faults: code → kind. A kind with a hint of its own is a pair. */
export type FaultNames = Readonly<Record<string, FaultKind | readonly [FaultKind, string]>>;

/** Faults that may pass by themselves. */
const PASSING_STATUS: readonly number[] = [408, 409, 412, 425, 429, 500, 502, 503, 504];

/** System and SDK codes of a connection that failed, and whether another try may help. */
const NETWORK: Readonly<Record<string, boolean>> = {
  ECONNREFUSED: true,
  ECONNRESET: true,
  ECONNABORTED: true,
  EPIPE: true,
  ETIMEDOUT: true,
  ESOCKETTIMEDOUT: true,
  EAI_AGAIN: true,
  EHOSTUNREACH: true,
  ENETUNREACH: true,
  ENETDOWN: true,
  EADDRNOTAVAIL: true,
  UND_ERR_SOCKET: true,
  UND_ERR_CONNECT_TIMEOUT: true,
  UND_ERR_HEADERS_TIMEOUT: true,
  UND_ERR_BODY_TIMEOUT: true,
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: true,
  ERR_STREAM_PREMATURE_CLOSE: true,
  HPE_INVALID_EOF_STATE: true,
  REQUEST_SEND_ERROR: true,
  TimeoutError: true,
  ENOTFOUND: false,
};

/** Codes of TLS that an intercepting proxy or a private authority causes. */
const UNTRUSTED =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|CERT_UNTRUSTED)$/;

/**
 * The error of a failed request, from the service's name for the fault, else from the status, else from what the
 * network said. What is none of these (a bug, an abort) comes back as it is.
 */
export function webFault(
  config: RemoteConfig,
  error: unknown,
  answer: Answer,
  names: FaultNames = {},
): unknown {
  if (error instanceof PipelineError) return error;
  const named =
    answer.code !== undefined && Object.hasOwn(names, answer.code) ? names[answer.code] : undefined;
  const [kind, hint] =
    named === undefined ? [kindOfStatus(answer.status)] : typeof named === 'string' ? [named] : named;
  if (kind === undefined) return networkFault(config, error);
  const status = answer.status ?? 0;
  const named_ = answer.code === undefined ? '' : ` ${answer.code}`;
  const text = firstLine(answer.message);
  return remoteFault(config, kind, {
    what: `the server answered ${status || 'with'}${named_}${text && text !== answer.code ? ` "${text}"` : ''}`,
    hint,
    retryable:
      named === undefined || kind === 'quota' || kind === 'unreachable' ? isPassing(kind, status) : false,
    retryAfterMs: retryAfterMs(answer),
    cause: error,
  });
}

function isPassing(kind: FaultKind, status: number): boolean {
  return kind === 'quota' || PASSING_STATUS.includes(status);
}

function kindOfStatus(status: number | undefined): FaultKind | undefined {
  if (status === undefined || status < 300) return undefined;
  switch (status) {
    case 401:
      return 'credentials';
    case 403:
    case 405:
    case 501:
      return 'denied';
    case 404:
      return 'not-found';
    case 429:
      return 'quota';
    case 507:
      return 'full';
    default:
      return status < 400 || PASSING_STATUS.includes(status) || status >= 500 ? 'unreachable' : 'denied';
  }
}

/** The error of a connection that failed; anything else comes back as it is. */
function networkFault(config: RemoteConfig, error: unknown): unknown {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 6; cause = cause.cause, depth++) {
    const code = codeOf(cause);
    if (code === undefined) continue;
    if (UNTRUSTED.test(code)) {
      return remoteFault(config, 'unreachable', {
        what: `the server's certificate is not trusted (${code})`,
        hint: 'when a proxy or a private authority signed it, name its certificate in NODE_EXTRA_CA_CERTS',
        cause: error,
      });
    }
    if (/^CERT_(NOT_YET_VALID|HAS_EXPIRED)$/.test(code)) {
      return remoteFault(config, 'clock', {
        what: `the server's certificate is out of date or this machine's clock is wrong (${code})`,
        hint: "compare this machine's clock with another; when it is right, the server's certificate has to be renewed",
        cause: error,
      });
    }
    if (code.startsWith('ERR_TLS') || code.startsWith('ERR_SSL')) {
      return remoteFault(config, 'unreachable', {
        what: `the connection cannot be secured (${code})`,
        hint: 'check whether the url or the endpoint has to begin with http: or https:, and its name',
        cause: error,
      });
    }
    if (Object.hasOwn(NETWORK, code)) {
      return remoteFault(config, 'unreachable', {
        what: code === 'ENOTFOUND' ? 'no host of that name is known' : `the connection failed (${code})`,
        hint: code === 'ENOTFOUND' ? 'check the name in the url or the endpoint, and the network' : undefined,
        retryable: NETWORK[code] ?? false,
        cause: error,
      });
    }
  }
  return error;
}

function codeOf(error: Error): string | undefined {
  const { code } = error as { readonly code?: unknown };
  if (typeof code === 'string') return code;
  if (error.name === 'TimeoutError') return 'TimeoutError';
  // Node's http says "aborted", undici "terminated" for a connection cut in the middle of an answer.
  return /^(aborted|terminated|socket hang up|Premature close)$/.test(error.message)
    ? 'ECONNRESET'
    : undefined;
}

function firstLine(text: string | undefined): string {
  const line = (text ?? '').split('\n', 1)[0]?.trim() ?? '';
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

/** Ms to wait; a date is counted from the answer's own `Date`. */
export function retryAfterMs({ retryAfter, date }: Answer): number | undefined {
  if (retryAfter === undefined || retryAfter === null) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(retryAfter)) return Math.ceil(Number(retryAfter) * 1000);
  const wait = Date.parse(retryAfter) - Date.parse(date ?? '');
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}
