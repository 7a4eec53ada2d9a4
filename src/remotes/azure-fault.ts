import type { RemoteConfig } from '../base/remote.ts';
import { objectMissing } from './faults.ts';
import { networkFault } from './network-fault.ts';
import { isMisread, strangeAnswer, webFault } from './web-fault.ts';
import type { FaultNames } from './web-fault.ts';

const AGAIN =
  'copy the key or the connection string again from "Access keys" of the storage account, into the variable that remotes.yaml names';
const KEYS = 'give "connection_string", or "account" with "account_key" or "sas_token", as ${env:NAME}';

/** The service's error codes (Blob storage). */
const NAMES: FaultNames = {
  ContainerNotFound: 'not-found',
  ContainerDisabled: 'not-found',
  InvalidResourceName: 'not-found',
  AuthenticationFailed: ['credentials', AGAIN],
  InvalidAuthenticationInfo: ['credentials', AGAIN],
  NoAuthenticationInformation: ['credentials', KEYS],
  RequestExpired: 'clock',
  AuthorizationFailure: 'denied',
  AuthorizationPermissionMismatch: 'denied',
  AuthorizationProtocolMismatch: 'denied',
  AuthorizationResourceTypeMismatch: 'denied',
  AuthorizationServiceMismatch: 'denied',
  AuthorizationSourceIPMismatch: 'denied',
  InsufficientAccountPermissions: 'denied',
  PublicAccessNotPermitted: ['credentials', KEYS],
  AccountIsDisabled: 'denied',
  BlobImmutableDueToPolicy: 'denied',
  ServerBusy: 'quota',
  TooManyRequests: 'quota',
  OperationTimedOut: 'unreachable',
  InternalError: 'unreachable',
};

/** What the SDK makes of a connection that is cut in the middle of an answer. */
const CUT = /^(The operation was aborted|Data corruption failure|Error reading response as text)/;

interface AzureError {
  readonly message?: string;
  readonly code?: string;
  readonly statusCode?: number;
  readonly details?: { readonly errorCode?: string };
  readonly response?: { readonly headers?: { get(name: string): string | undefined } };
}

/** An SDK's error as the remote's own; with a key, a missing blob is that object's. */
export function azureFault(config: RemoteConfig, error: unknown, key?: string): unknown {
  const { message, code, statusCode, details, response } = (error ?? {}) as AzureError;
  // Whoever has stopped it by a signal is not told of it here.
  if (error instanceof Error && CUT.test(error.message))
    return networkFault(config, Object.assign(new Error(message, { cause: error }), { code: 'ECONNRESET' }));
  // The SDK expected its own kind of answer, and tells at length what it found.
  const isGarbled = code === 'PARSE_ERROR';
  const named =
    details?.errorCode ?? response?.headers?.get('x-ms-error-code') ?? (isGarbled ? undefined : code);
  if ((isGarbled && (statusCode ?? 0) < 300) || isMisread(error)) return strangeAnswer(config, error);
  if (
    key !== undefined &&
    statusCode === 404 &&
    named !== 'ContainerNotFound' &&
    named !== 'ContainerDisabled'
  ) {
    return objectMissing(config, key);
  }
  // An expired SAS fails like a forged one.
  const isUnknown = named === 'AuthorizationFailure' && /failed to authenticate/i.test(message ?? '');
  // A wrong clock fails the signature check; only the text tells.
  const isClock = named === 'AuthenticationFailed' && /date header|too old|clock/i.test(message ?? '');
  return webFault(
    config,
    error,
    {
      status: statusCode,
      code: isClock
        ? 'RequestExpired'
        : isUnknown
          ? 'AuthenticationFailed'
          : statusCode === undefined
            ? undefined
            : named,
      message: isGarbled ? undefined : message,
      retryAfter: response?.headers?.get('retry-after'),
      date: response?.headers?.get('date'),
    },
    { ...NAMES, ...sasNames(config) },
  );
}

/** With a SAS token its end is the likeliest reason. */
function sasNames({ options }: RemoteConfig): FaultNames {
  const end =
    typeof options['sas_token'] === 'string' ? new URLSearchParams(options['sas_token']).get('se') : null;
  if (end === null) return {};
  const hint = `the SAS token is valid until ${end}: make a new one when that has passed, else copy it again`;
  return { AuthenticationFailed: ['credentials', hint], AuthorizationFailure: ['denied', hint] };
}
