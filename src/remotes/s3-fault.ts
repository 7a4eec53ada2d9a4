import type { RemoteConfig } from '../base/remote.ts';
import { objectMissing, remoteFault } from './faults.ts';
import type { FaultKind } from './faults.ts';
import { UNSENDABLE, strangeAnswer, webFault } from './web-fault.ts';
import type { FaultNames } from './web-fault.ts';

const CREDENTIALS =
  'give access_key_id and secret_access_key, a profile, or the variables AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY';
const REGION = 'set the option "region" to the region of the bucket';
const NO_CREDENTIALS = ['credentials', CREDENTIALS, 'no credentials are found on this machine'] as const;

/** What the SDK says, in its own words, of what it was given. */
const OWN: readonly (readonly [RegExp, readonly [FaultKind, string, string]])[] = [
  [/^Region is missing/, ['option', REGION, 'the region of the bucket is not known']],
  [/^Region not accepted/, ['option', REGION, 'the region is no name of one, such as "eu-central-1"']],
  [/^Could not resolve credentials/, NO_CREDENTIALS],
  [/^Invalid character in header content/, UNSENDABLE],
];

/** S3's names for its faults (Amazon's error responses, and those of MinIO and versitygw), and the SDK's for its own. */
const NAMES: FaultNames = {
  NoSuchBucket: 'not-found',
  InvalidBucketName: 'not-found',
  AccessDenied: 'denied',
  AllAccessDisabled: 'denied',
  AccountProblem: 'denied',
  MethodNotAllowed: 'denied',
  InvalidAccessKeyId: 'credentials',
  XAdminUserNotFound: 'credentials',
  SignatureDoesNotMatch: 'credentials',
  ExpiredToken: [
    'credentials',
    'the session token has expired: ask for a new one, for instance by "aws sso login"',
  ],
  InvalidToken: 'credentials',
  TokenRefreshRequired: 'credentials',
  CredentialsProviderError: NO_CREDENTIALS,
  TokenProviderError: NO_CREDENTIALS,
  RequestTimeTooSkewed: 'clock',
  RequestExpired: 'clock',
  SlowDown: 'quota',
  Throttling: 'quota',
  ThrottlingException: 'quota',
  TooManyRequests: 'quota',
  RequestLimitExceeded: 'quota',
  BandwidthLimitExceeded: 'quota',
  SlowDownRead: 'quota',
  SlowDownWrite: 'quota',
  QuotaExceeded: 'full',
  XMinioStorageFull: 'full',
  XMinioAdminBucketQuotaExceeded: 'full',
  PermanentRedirect: ['option', REGION],
  AuthorizationHeaderMalformed: ['option', REGION],
  IllegalLocationConstraintException: ['option', REGION],
  InternalError: 'unreachable',
  ServiceUnavailable: 'unreachable',
  RequestTimeout: 'unreachable',
  NoSuchUpload: 'unreachable',
};

/** What the SDK calls a fault that the server gave no name. */
const UNNAMED: readonly string[] = ['Unknown', 'UnknownError', 'Error'];

interface S3Error {
  readonly name?: string;
  readonly message?: string;
  readonly Code?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string | undefined>> };
}

/** An SDK's error as the remote's own; with a key, a 404 is that object's. */
export function s3Fault(config: RemoteConfig, error: unknown, key?: string): unknown {
  const { name, message, Code, $metadata, $response } = (error ?? {}) as S3Error;
  const isGarbled = message?.startsWith('@aws-sdk XML parse error') === true;
  const status = $metadata?.httpStatusCode;
  if (isGarbled && (status === undefined || status < 300)) return strangeAnswer(config, error);
  const named = Code ?? (status === undefined && !/Provider/.test(name ?? '') ? undefined : name);
  const code = UNNAMED.includes(named ?? '') ? undefined : named;
  if (
    key !== undefined &&
    (code === 'NoSuchKey' || code === 'NotFound' || (status === 404 && code !== 'NoSuchBucket'))
  ) {
    return objectMissing(config, key);
  }
  const [, own] = OWN.find(([words]) => error instanceof Error && words.test(error.message)) ?? [];
  if (own) return remoteFault(config, own[0], { hint: own[1], what: own[2], cause: error });
  // One of them has no name of its own.
  if (name === 'EndpointError' || /^(Path-style addressing|Invalid ARN)/.test(message ?? ''))
    return remoteFault(config, 'option', {
      what: `no address can be made of the url and the options (${message})`,
      hint: 'correct the bucket, "region", "endpoint" or "path_style"',
      cause: error,
    });
  return webFault(
    config,
    error,
    {
      status,
      code,
      message: isGarbled || UNNAMED.includes(message ?? '') ? undefined : message,
      retryAfter: $response?.headers?.['retry-after'],
      date: $response?.headers?.['date'],
    },
    NAMES,
  );
}
