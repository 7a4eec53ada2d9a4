import type { AddressInfo, Server, Socket } from 'node:net';
import type { TestContext } from 'node:test';

/** A server on a free port of this machine. */
export interface Listening extends AsyncDisposable {
  readonly port: number;
  /** Where it answers, if it speaks HTTP without TLS. */
  readonly url: string;
}

/** Lets a server listen until it is disposed of, which cuts its connections. */
export async function listen(server: Server): Promise<Listening> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** The same, until a test is over. */
export async function listenFor(t: TestContext, server: Server): Promise<Listening> {
  const listening = await listen(server);
  t.after(() => listening[Symbol.asyncDispose]());
  return listening;
}
