import { MarketError } from '../market-error.ts';
import type { MarketHttp } from '../market-http.ts';

/**
 * A `fetch` for the chart client that fails with coded errors before the client can turn an answer into a bare message.
 * The client drops the status of a JSON error, prints the URL of others and reads a cut answer only as text, so status and
 * body are judged here: `yahoo.unknown-symbol` (404), `yahoo.no-data` (400), `yahoo.not-json` (a body that is cut or a page for
 * humans; worth another try), `yahoo.no-chart` (an error inside a good answer), and `http.*` for the rest.
 */
export function createYahooFetch(http: MarketHttp): typeof fetch {
  return async (input, init) => {
    const url = input instanceof Request ? input.url : String(input);
    const place = decodeURIComponent(new URL(url).pathname.replace(/^.*\//, ''));
    const bytes = await loadBytes(http, url, { place, headers: toHeaderRecord(init?.headers) });
    checkChart(new TextDecoder().decode(bytes), place);
    return new Response(bytes, { status: 200, headers: { 'content-type': 'application/json' } });
  };
}

interface ChartRequest {
  readonly place: string;
  readonly headers: Readonly<Record<string, string>>;
}

async function loadBytes(
  http: MarketHttp,
  url: string,
  request: ChartRequest,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return (await http.get(url, request.headers)).bytes;
  } catch (error) {
    if (!(error instanceof MarketError)) throw error;
    if (error.code === 'http.not-found') {
      throw new MarketError('yahoo.unknown-symbol', `Yahoo knows no symbol ${request.place}`, {
        cause: error,
      });
    }
    if (error.code === 'http.bad-request') {
      throw new MarketError('yahoo.no-data', `Yahoo has no data of ${request.place} in this period`, {
        cause: error,
      });
    }
    throw error;
  }
}

function checkChart(text: string, symbol: string): void {
  let answer: unknown;
  try {
    answer = JSON.parse(text);
  } catch (cause) {
    throw new MarketError('yahoo.not-json', `Yahoo's answer for ${symbol} is no complete JSON`, {
      retryable: true,
      cause,
    });
  }
  const chart = (answer as { chart?: { error?: unknown; result?: unknown } } | null)?.chart;
  if (chart?.error || !Array.isArray(chart?.result) || chart.result.length === 0) {
    throw new MarketError('yahoo.no-chart', `Yahoo's answer for ${symbol} holds no chart`);
  }
}

function toHeaderRecord(headers: RequestInit['headers'] | undefined): Record<string, string> {
  const record: Record<string, string> = {};
  new Headers(headers ?? {}).forEach((value, name) => {
    // The client has no session; an empty cookie header only marks the request as odd.
    if (value !== '') record[name] = value;
  });
  return record;
}
