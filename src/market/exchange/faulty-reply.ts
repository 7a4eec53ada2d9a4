import { toHtmlPage } from './listing.ts';
import { toUnknownSymbolAnswer } from './chart.ts';
import type { ExchangeReply } from './routes.ts';
import type { Fault } from './faults.ts';

/** An answer as bytes, after a fault had its way with it. */
export interface FaultyReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

// The body that the vendor's edge sends, as recorded: text, not JSON.
const TOO_MANY = 'Edge: Too Many Requests';

const CAPTCHA = toHtmlPage(
  'Just a moment...',
  `<h1>www.example.invalid</h1>
<p>Checking if the site connection is secure. Enable JavaScript and cookies to continue.</p>
<noscript>Please complete the captcha.</noscript>`,
);

/** The bytes of an answer under a fault; faults that act before the answer (`slow`, `reset`) or on the page itself change nothing here. */
export function toFaultyReply(reply: ExchangeReply, fault: Fault | undefined): FaultyReply {
  const plain = { status: reply.status, headers: { 'content-type': reply.type } };
  const whole = Buffer.from(reply.body);
  if (fault === undefined) return { ...plain, body: whole };
  const { kind } = fault;
  switch (kind) {
    case 'slow':
    case 'reset':
    case 'empty':
    case 'renamed':
    case 'next':
      return { ...plain, body: whole };
    case 'cut':
      return { ...plain, body: whole.subarray(0, Math.floor(whole.byteLength / 2)) };
    case 'utf16':
      // The header keeps its charset: a page that lies about itself.
      return { ...plain, body: Buffer.from(`\uFEFF${reply.body}`, 'utf16le') };
    case 'captcha':
      return toText(CAPTCHA, { status: fault.value ?? 200, type: 'text/html; charset=utf-8' });
    case '404':
      return toText(JSON.stringify(toUnknownSymbolAnswer().body), { status: 404, type: reply.type });
    case '429':
      return toText(TOO_MANY, { status: 429, retryAfter: fault.value });
    case '403':
    case '500':
    case '502':
    case '503':
      return toText('Service unavailable', { status: Number(kind), retryAfter: fault.value });
    default:
      return kind satisfies never;
  }
}

interface TextReply {
  readonly status: number;
  readonly type?: string;
  /** Seconds. */
  readonly retryAfter?: number | undefined;
}

function toText(text: string, { status, type = 'text/plain', retryAfter }: TextReply): FaultyReply {
  const wish = retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) };
  return { status, headers: { 'content-type': type, ...wish }, body: Buffer.from(text) };
}
