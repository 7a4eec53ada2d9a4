import { WORLD_FROM, WORLD_LIMIT } from './exchange/plan.ts';
import { createExchange } from './exchange/server.ts';
import { MarketError } from './market-error.ts';
import type { Exchange } from './exchange/server.ts';

/** Where the bytes came from, as reports say it; an exchange elsewhere is named without its address. */
export type SourceKind = 'simulated' | 'live' | 'exchange';

/** A successful answer: the whole body and the headers. */
export interface MarketAnswer {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly headers: Headers;
}

/** The network as the market library sees it: canonical URLs in, whole bodies or coded errors out. */
export interface MarketHttp {
  readonly source: SourceKind;
  /**
   * Asks for a canonical URL once. Errors: `http.not-found` (404), `http.bad-request` (400), `http.blocked` (401, 403),
   * `http.rate-limited` (429), `http.server-error` (408, 5xx but 501), `http.timeout`, `http.unreachable`, `http.status` (any other),
   * `http.unknown-origin` (no prefix of the exchange stands for it).
   */
  get(url: string, headers?: Readonly<Record<string, string>>): Promise<MarketAnswer>;
  close(): Promise<void>;
}

/** What `createMarketHttp` needs; `seed` and `asOf`, the tick's local date, matter only to the simulated exchange. */
export interface MarketHttpOptions {
  /** `simulated`, `live`, or the origin of an exchange (`http://127.0.0.1:8080`). */
  readonly source: string;
  readonly signal: AbortSignal;
  readonly seed?: string;
  readonly asOf?: string;
  readonly timeoutMs?: number;
}

const PREFIXES: Readonly<Record<string, string>> = {
  'https://www.bseindices.com': '/bseindices',
  'https://www.moneycontrol.com': '/moneycontrol',
  'https://www.investing.com': '/investing',
  'https://en.wikipedia.org': '/wikipedia',
  'https://archives.nseindia.com': '/nse',
  'https://query2.finance.yahoo.com': '',
};

/** How many requests a run has in flight at once: few enough for a site to take them for a reader. No parameter, for it changes no out. */
export const REQUESTS_AT_ONCE = 4;

// Several of the pages answer a client without a browser's name with a block page.
const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36';

/**
 * The kind of a `source:` value, checked: `simulated`, `live`, or an `http://` or `https://` origin, which is `exchange`.
 * Errors: `source.unknown` for anything else.
 */
export function toSourceKind(source: string): SourceKind {
  if (source === 'simulated' || source === 'live') return source;
  const url = URL.parse(source);
  if (url !== null && (url.protocol === 'http:' || url.protocol === 'https:')) return 'exchange';
  throw new MarketError(
    'source.unknown',
    `source is "${source}"; it can be "simulated", "live" or the address of an exchange such as "http://127.0.0.1:8080"`,
  );
}

/**
 * The network of one run: the real origins, an exchange elsewhere, or a simulated one started inside this process.
 * `close` stops what was started; requests end with the signal's reason when it aborts, and after `timeoutMs` (10 s) each.
 * Errors: `source.unknown`, and `source.range` where the simulated one has no such day.
 */
export async function createMarketHttp(options: MarketHttpOptions): Promise<MarketHttp> {
  const kind = toSourceKind(options.source);
  const { signal, timeoutMs = 10_000, seed, asOf } = options;
  signal.throwIfAborted();
  const exchange = kind === 'simulated' ? await createWorldExchange(seed, asOf) : undefined;
  const base = kind === 'live' ? undefined : (exchange?.url ?? options.source).replace(/\/+$/, '');
  return {
    source: kind,
    async get(url, headers = {}) {
      const target = base === undefined ? url : toExchangeUrl(url, base);
      return request(url, target, { headers, signal, timeoutMs });
    },
    async close() {
      await exchange?.close();
    },
  };
}

/** A simulated exchange whose world holds the day. */
async function createWorldExchange(seed: string | undefined, asOf: string | undefined): Promise<Exchange> {
  if (asOf !== undefined && !(WORLD_FROM <= asOf && asOf <= WORLD_LIMIT)) {
    throw new MarketError(
      'source.range',
      `the simulated exchange knows ${WORLD_FROM} to ${WORLD_LIMIT}, as_of is ${asOf}; set as_of to a day of these, or another source`,
    );
  }
  return createExchange({ seed, until: asOf });
}

function toExchangeUrl(url: string, base: string): string {
  const { origin, pathname, search } = new URL(url);
  const prefix = PREFIXES[origin];
  if (prefix === undefined) {
    throw new MarketError('http.unknown-origin', `the exchange has no pages of ${origin}`);
  }
  return `${base}${prefix}${pathname}${search}`;
}

interface RequestOptions {
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

async function request(url: string, target: string, options: RequestOptions): Promise<MarketAnswer> {
  const { signal, timeoutMs } = options;
  const limit = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(target, {
      headers: { 'user-agent': USER_AGENT, ...options.headers },
      signal: AbortSignal.any([signal, limit]),
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    if (response.ok) return { bytes, headers: response.headers };
    throw toStatusError(url, response);
  } catch (error) {
    if (error instanceof MarketError) throw error;
    signal.throwIfAborted();
    if (limit.aborted) {
      throw new MarketError('http.timeout', `${toPlace(url)} did not answer in time`, { retryable: true });
    }
    throw new MarketError('http.unreachable', `${toPlace(url)} could not be reached or broke off`, {
      retryable: true,
      cause: error,
    });
  }
}

function toStatusError(url: string, response: Response): MarketError {
  const { status } = response;
  const told = `${toPlace(url)} answered with status ${status}`;
  const retryAfterMs = parseRetryAfter(response.headers);
  const wish = retryAfterMs === undefined ? {} : { retryAfterMs };
  switch (status) {
    case 404:
      return new MarketError('http.not-found', told);
    case 400:
      return new MarketError('http.bad-request', told);
    case 401:
    case 403:
      return new MarketError('http.blocked', told);
    case 429:
      return new MarketError('http.rate-limited', told, { retryable: true, ...wish });
    default:
      return isPassing(status)
        ? new MarketError('http.server-error', told, { retryable: true, ...wish })
        : new MarketError('http.status', told);
  }
}

/** A failure of the server's own, those of the edges in front of it (520 to 530) included; 501 says that it never will. */
function isPassing(status: number): boolean {
  return status === 408 || (status >= 500 && status !== 501);
}

/** The delay that a `Retry-After` header asks for, in ms; a date counts from the answer's own `Date`, never from this machine's clock. */
export function parseRetryAfter(headers: Headers): number | undefined {
  const value = headers.get('retry-after')?.trim();
  if (value === undefined || value === '') return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1_000;
  const delayMs = Date.parse(value) - Date.parse(headers.get('date') ?? '');
  return Number.isFinite(delayMs) ? Math.max(0, delayMs) : undefined;
}

// The query of a chart request holds instants that say nothing to a reader.
function toPlace(url: string): string {
  const { origin, pathname } = new URL(url);
  return `${origin}${pathname}`;
}
