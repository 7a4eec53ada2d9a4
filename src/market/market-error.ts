/** What a failure at the network means for the next try. `retryAfterMs` is the server's own wish. */
export interface MarketErrorDetail {
  readonly retryable?: boolean;
  readonly retryAfterMs?: number;
  readonly cause?: unknown;
}

/**
 * A failure of the market library with a stable code (`area.problem`) and one sentence.
 * The sentence is safe to put in an out: it names canonical URLs only, no loopback address, port, duration or attempt count.
 * `retryable` says that asking again later may help; `retryAfterMs` is set where the server named a delay.
 */
export class MarketError extends Error {
  override readonly name = 'MarketError';
  readonly code: string;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;

  constructor(code: string, message: string, detail: MarketErrorDetail = {}) {
    super(message, detail.cause === undefined ? undefined : { cause: detail.cause });
    this.code = code;
    this.retryable = detail.retryable ?? false;
    this.retryAfterMs = detail.retryAfterMs;
  }
}
