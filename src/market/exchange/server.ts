import { createServer } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import { isDate } from '../../base/session.ts';
import { createFaultBox, parseFaults } from './faults.ts';
import { WORLD_FROM, WORLD_LIMIT, worldEnd } from './plan.ts';
import { createRoutes } from './routes.ts';
import { toFaultyReply } from './faulty-reply.ts';
import { createWorld } from './world.ts';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FaultyReply } from './faulty-reply.ts';

/** How an exchange is set up. */
export interface ExchangeOptions {
  /** Name of the seeded world, `lockstep` unless given; the same name is the same world everywhere. Not used with `dataDir`. */
  readonly seed?: string | undefined;
  /** Folder of `<SYMBOL>.csv` to serve instead of the seeded world. */
  readonly dataDir?: string | undefined;
  /** What goes wrong, in the grammar of `parseFaults`. */
  readonly faults?: string | undefined;
  /** The exchange's today, ISO: nothing later exists yet, and that day's rows carry a time of 16:00. */
  readonly liveDay?: string | undefined;
  /** A day that the seeded world must reach, ISO; `liveDay` unless given. */
  readonly until?: string | undefined;
  /** 0, any free port, unless given. */
  readonly port?: number | undefined;
}

/** A running exchange; `url` has no slash at its end. */
export interface Exchange {
  readonly url: string;
  /** Stops it: open connections break, waiting answers are dropped. Safe to call twice. */
  close(): Promise<void>;
}

const LOOPBACK = '127.0.0.1';
const DEFAULT_SEED = 'lockstep';

/**
 * Starts a simulated exchange on the loopback interface: the chart API at `/v8/finance/chart/<symbol>`, the pages of the index
 * publishers under `/bseindices`, `/moneycontrol`, `/investing`, `/wikipedia` and `/nse`, `/health`, and the truth about planted
 * defects at `/world/defects`. `?fault=` spoils a single request. Throws an Error for a bad option, an unreadable folder or a taken port.
 */
export async function createExchange(options: ExchangeOptions = {}): Promise<Exchange> {
  const { seed = DEFAULT_SEED, dataDir, liveDay, until = liveDay, port = 0 } = options;
  if (liveDay !== undefined && !isDate(liveDay))
    throw new Error(`live day "${liveDay}" is not a date YYYY-MM-DD`);
  if (dataDir === undefined && liveDay !== undefined && !(WORLD_FROM <= liveDay && liveDay <= WORLD_LIMIT))
    throw new Error(`live day "${liveDay}" is not in the simulated world (${WORLD_FROM} to ${WORLD_LIMIT})`);
  const faults = createFaultBox(parseFaults(options.faults ?? ''));
  const book =
    dataDir === undefined
      ? createWorld({ seed, liveDay, until })
      : await (await import('./csv-book.ts')).createCsvBook({ folder: dataDir, liveDay });
  const route = createRoutes({ book, date: liveDay ?? worldEnd(until) });
  const closing = new AbortController();

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      send(response, {
        status: 405,
        headers: { allow: 'GET, HEAD' },
        body: Buffer.from('only GET is simulated\n'),
      });
      return;
    }
    const url = URL.parse(request.url ?? '/', 'http://exchange.invalid');
    if (url === null) throw new URIError('the request names no path');
    const path = url.pathname.split('/').slice(1).map(decodeURIComponent);
    const extra = url.searchParams.getAll('fault').flatMap(parseFaults);
    url.searchParams.delete('fault');
    const isOwn = path[0] === 'health' || path[0] === 'world';
    const fault = isOwn ? undefined : faults.take(path, extra);
    if (fault?.kind === 'reset') {
      request.socket.destroy();
      return;
    }
    if (fault?.kind === 'slow')
      await delay((fault.value ?? 20) * 1000, undefined, { signal: closing.signal });
    const twist =
      fault?.kind === 'empty' || fault?.kind === 'renamed' || fault?.kind === 'next' ? fault.kind : undefined;
    const reply = await route({ path, query: url.searchParams, twist });
    send(response, toFaultyReply(reply, fault));
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => {
      if (closing.signal.aborted) return;
      // A bad %-escape or fault is the asker's mistake; anything else (a broken recorded file) is told as the server's.
      const status = error instanceof URIError || isFaultMistake(error) ? 400 : 500;
      const message = error instanceof Error ? error.message : String(error);
      send(response, {
        status,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: Buffer.from(`${message}\n`),
      });
    });
  });
  await listen(server, port);
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  let closed: Promise<void> | undefined;
  return {
    url: `http://${LOOPBACK}:${bound}`,
    close() {
      closed ??= new Promise((resolve) => {
        closing.abort();
        server.close(() => resolve());
        server.closeAllConnections();
      });
      return closed;
    },
  };
}

function send(response: ServerResponse, { status, headers, body }: FaultyReply): void {
  response.writeHead(status, { ...headers, 'content-length': body.byteLength, 'cache-control': 'no-store' });
  response.end(body);
}

function listen(server: ReturnType<typeof createServer>, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function isFaultMistake(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('fault "');
}
