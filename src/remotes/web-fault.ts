import { PipelineError } from '../base/error.ts';
import type { RemoteConfig } from '../base/remote.ts';
import { formatDuration } from '../base/text.ts';
import { STRANGE, remoteFault } from './faults.ts';
import type { FaultKind } from './faults.ts';
import { networkFault } from './network-fault.ts';
import { proxyRefused } from './proxy-fault.ts';

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

/** What the service calls its faults: code → kind, or with a hint of its own, or also with a sentence of its own. */
export type FaultNames = Readonly<Record<string, FaultKind | readonly [FaultKind, string, string?]>>;

/** Faults that may pass by themselves; 416: what goes on with a download has met an older or shorter copy on its way. */
const PASSING_STATUS: readonly number[] = [408, 409, 412, 416, 425, 429, 500, 502, 503, 504];

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
  if (answer.status === 407) return proxyRefused(config, 407);
  const named =
    answer.code !== undefined && Object.hasOwn(names, answer.code) ? names[answer.code] : undefined;
  const [kind, hint, sentence] =
    named === undefined ? [kindOfStatus(answer.status)] : typeof named === 'string' ? [named] : named;
  if (kind === undefined)
    return answer.status === undefined ? networkFault(config, error) : strangeAnswer(config, error);
  const status = answer.status ?? 0;
  const word = answer.code === undefined ? '' : ` ${answer.code}`;
  const text = firstLine(answer.message);
  const waitMs = retryAfterMs(answer);
  const pause = (waitMs ?? 0) < 1000 ? '' : ` and asks to wait ${formatDuration(waitMs ?? 0)}`;
  // 511: a network that wants a login first (RFC 6585).
  const isMoved = named === undefined && (status < 400 || status === 511);
  return remoteFault(config, kind, {
    what:
      sentence ??
      `the server answered ${status || 'with'}${word}${text && text !== answer.code ? ` "${text}"` : ''}${pause}`,
    hint: isMoved ? STRANGE : hint,
    // A name says more than its status: Amazon tells some that pass with 400.
    retryable:
      kind === 'quota' || (named === undefined ? PASSING_STATUS.includes(status) : kind === 'unreachable'),
    retryAfterMs: waitMs,
    cause: error,
  });
}

/** The error of what failed in getting credentials: what is known of it, else its own words. */
export function credentialsFault(config: RemoteConfig, fault: unknown): PipelineError {
  if (fault instanceof PipelineError) return fault;
  const text = firstLine(fault instanceof Error ? fault.message : String(fault));
  return remoteFault(config, 'credentials', {
    what: `the credentials cannot be used (${text})`,
    cause: fault,
  });
}

/** Of credentials that no request can carry. */
export const UNSENDABLE = [
  'credentials',
  'copy it again, without a line break before or behind it',
  'a credential holds a character that no header of a request can hold',
] as const;

/** Whether a `Content-Type` is that of a page for people: a login, or what a proxy says. */
export function isPage(type: string | null | undefined): boolean {
  return /^\s*(text\/html|application\/xhtml\+xml)\b/i.test(type ?? '');
}

/** True for what SDKs throw that look in an answer for what every answer of their service has. */
export function isMisread(error: unknown): boolean {
  if (error instanceof TypeError) return /^Cannot (read|set|create) propert/.test(error.message);
  return error instanceof SyntaxError || (error instanceof RangeError && /response/.test(error.message));
}

/** The error for an answer that a service of this kind would not give. */
export function strangeAnswer(config: RemoteConfig, cause?: unknown): PipelineError {
  return remoteFault(config, 'unreachable', {
    what: 'what answers there is no service of this kind',
    hint: STRANGE,
    cause,
  });
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

/** The first line of what a server says; a page for humans says nothing. */
function firstLine(text: string | undefined): string {
  const said = (text ?? '').replace(/[:\s]*<(!doctype|html|\?xml).*$/is, '');
  const line = said.split('\n', 1)[0]?.trim() ?? '';
  return line.length > 200 ? `${line.slice(0, 200)}…` : line;
}

/** Ms to wait; a date is counted from the answer's own `Date`. */
export function retryAfterMs({ retryAfter, date }: Answer): number | undefined {
  if (retryAfter === undefined || retryAfter === null) return undefined;
  if (/^\s*\d+(\.\d+)?\s*$/.test(retryAfter)) return Math.ceil(Number(retryAfter) * 1000);
  const wait = Date.parse(retryAfter) - Date.parse(date ?? '');
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}
