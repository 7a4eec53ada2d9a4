import { connect, createServer } from 'node:net';
import { listen } from './listen.ts';

/** A proxy that breaks connections off. */
export interface CuttingProxy extends AsyncDisposable {
  readonly url: string;
  /** How many connections it has cut. */
  cuts(): number;
}

/**
 * Passes connections on to a server and cuts the first ones that have sent so many bytes, in the middle of an upload.
 */
export async function startCuttingProxy(
  target: string,
  { afterBytes, times }: { readonly afterBytes: number; readonly times: number },
): Promise<CuttingProxy> {
  const { hostname, port } = new URL(target);
  let cuts = 0;
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    let sent = 0;
    for (const socket of [client, upstream]) {
      // A cut connection is the point; its errors are the other side's to see.
      socket.on('error', () => undefined);
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.on('data', (chunk: Buffer) => {
      sent += chunk.length;
      if (sent > afterBytes && cuts < times) {
        cuts++;
        client.resetAndDestroy();
        upstream.resetAndDestroy();
      } else if (!upstream.write(chunk)) {
        client.pause();
        upstream.once('drain', () => client.resume());
      }
    });
    upstream.pipe(client);
  });
  return {
    ...(await listen(server)),
    cuts: () => cuts,
  };
}
