import { createHash } from 'node:crypto';
import { withRetry } from '../retry.ts';
import type { Page, SourceContext } from './member-source.ts';

/** Loads a page, trying again as the policy says, and decodes it. Errors: `http.*`. */
export async function loadPage(
  url: string,
  context: SourceContext,
  headers: Readonly<Record<string, string>> = {},
): Promise<Page> {
  const { http, retry, signal } = context;
  const answer = await withRetry(() => http.get(url, headers), retry, signal);
  const page = {
    url,
    sha256: createHash('sha256').update(answer.bytes).digest('hex'),
    text: decodePage(answer.bytes, answer.headers.get('content-type') ?? ''),
  };
  context.onPage?.(page);
  return page;
}

/**
 * The text of a page: by its byte order mark, else by where its zero bytes stand (UTF-16 without a mark), else by the charset of the
 * header, else UTF-8. A header is asked last because servers name a charset that the file behind them does not have.
 */
export function decodePage(bytes: Uint8Array, contentType: string): string {
  return new TextDecoder(detectEncoding(bytes, contentType)).decode(bytes);
}

function detectEncoding(bytes: Uint8Array, contentType: string): string {
  const [first, second] = bytes;
  if (first === 0xff && second === 0xfe) return 'utf-16le';
  if (first === 0xfe && second === 0xff) return 'utf-16be';
  if (first === 0xef && second === 0xbb) return 'utf-8';
  const head = bytes.subarray(0, 512);
  const zeros = [0, 0];
  head.forEach((byte, index) => {
    if (byte === 0) zeros[index % 2] = (zeros[index % 2] ?? 0) + 1;
  });
  const [even = 0, odd = 0] = zeros;
  // Markup is ASCII nearly everywhere, so one half of UTF-16's bytes is zero; UTF-8 has none.
  if (odd > head.length / 4) return 'utf-16le';
  if (even > head.length / 4) return 'utf-16be';
  const charset = /charset\s*=\s*"?([\w-]+)/i.exec(contentType)?.[1];
  return charset !== undefined && isEncoding(charset) ? charset : 'utf-8';
}

function isEncoding(label: string): boolean {
  try {
    return new TextDecoder(label).encoding !== '';
  } catch {
    return false;
  }
}
