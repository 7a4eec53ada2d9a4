import type { RemoteConfig } from '../base/remote.ts';
import { STRANGE, remoteFault } from './faults.ts';
import { proxyRefusal, proxySilent } from './proxy-fault.ts';

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

/** Of these, the ones of a connection that never came to be. */
const UNCONNECTED: readonly string[] = [
  'ECONNREFUSED',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'UND_ERR_CONNECT_TIMEOUT',
];

/** Codes of TLS that an intercepting proxy or a private authority causes. */
const UNTRUSTED =
  /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_VERIFY_LEAF_SIGNATURE|UNABLE_TO_GET_ISSUER_CERT(_LOCALLY)?|CERT_UNTRUSTED)$/;

/** The error of a connection that failed, by the codes of an error and of its causes; anything else comes back as it is. */
export function networkFault(config: RemoteConfig, error: unknown): unknown {
  for (let cause = error, depth = 0; cause instanceof Error && depth < 6; cause = cause.cause, depth++) {
    const fault = faultOfCause(config, cause, error);
    if (fault !== undefined) return fault;
  }
  if (!(error instanceof TypeError) || error.message !== 'fetch failed') return error;
  const { cause } = error;
  return remoteFault(config, 'unreachable', {
    what: `the connection failed (${cause instanceof Error ? cause.message : 'for no known reason'})`,
    retryable: true,
    cause: error,
  });
}

function faultOfCause(config: RemoteConfig, cause: Error, error: unknown): Error | undefined {
  const refusal = proxyRefusal(config, cause);
  if (refusal) return refusal;
  if (/^(redirect count exceeded|maximum redirect reached)/.test(cause.message)) {
    return remoteFault(config, 'unreachable', {
      what: 'one redirect leads to the next without end',
      hint: STRANGE,
      cause: error,
    });
  }
  const code = codeOf(cause);
  if (code === undefined) return undefined;
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
  if (/^(ERR_TLS|ERR_SSL|EPROTO$)/.test(code)) {
    return remoteFault(config, 'unreachable', {
      what: `the connection cannot be secured (${code})`,
      hint: 'check whether the url or the endpoint has to begin with http: or https:, and its name',
      cause: error,
    });
  }
  const isUnconnected = UNCONNECTED.includes(code);
  const retryable = NETWORK[code] ?? false;
  if (isUnconnected && config.proxies?.used)
    return proxySilent(config, config.proxies.used, { code, retryable });
  if (code === 'ENOTFOUND') {
    // SDKs wrap the error and keep its words.
    const host = /ENOTFOUND ([\w.-]+)/.exec(cause.message)?.[1];
    return remoteFault(config, 'unreachable', {
      what: host === undefined ? 'no host of that name is known' : `no host is called "${host}"`,
      hint: 'check the name in the url or the endpoint, and the network',
      cause: error,
    });
  }
  if (Object.hasOwn(NETWORK, code)) {
    const way = config.proxies?.used ? ` by way of the proxy ${config.proxies.used.url}` : '';
    const why = code === 'TimeoutError' ? waitedFor(cause) : code;
    return remoteFault(config, 'unreachable', {
      what: `the connection${way} failed (${why})`,
      retryable,
      cause: error,
    });
  }
  if (!code.startsWith('HPE_')) return undefined;
  return remoteFault(config, 'unreachable', {
    what: `what answers there does not speak HTTP (${code})`,
    hint: 'check the address and its port, and whether it has to begin with http: or https:',
    cause: error,
  });
}

/** Ours say what was waited for, and how long; Amazon's SDK says it in words for its programmers. */
function waitedFor({ message }: Error): string {
  const ms = /^@smithy.* (\d+) ms\b/.exec(message)?.[1];
  if (ms === undefined) return message;
  return `${message.includes('establish') ? 'no connection' : 'nothing came'} for ${Number(ms) / 1000} s`;
}

function codeOf(error: Error): string | undefined {
  const { code } = error as { readonly code?: unknown };
  if (typeof code === 'string') return code;
  if (error.name === 'TimeoutError') return 'TimeoutError';
  if (error.name === 'HTTPParserError') return 'HPE_INVALID_CONSTANT';
  // Node's http says "aborted", undici "terminated" for a connection cut in the middle of an answer.
  return /^(aborted|terminated|socket hang up|Premature close)$/.test(error.message)
    ? 'ECONNRESET'
    : undefined;
}
