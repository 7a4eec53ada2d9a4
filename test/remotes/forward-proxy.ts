import { createServer, request as ask } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { listen } from './listen.ts';

export interface ForwardProxy extends AsyncDisposable {
  readonly port: number;
  /** `METHOD target` of each request, in order. */
  readonly seen: string[];
}

/**
 * A proxy of this machine that takes every name for the server at the port `upstream`, by tunnel or by request, for who
 * knows `userinfo` (`user:password`; without it, for anybody).
 */
export async function startForwardProxy(upstream: number, userinfo?: string): Promise<ForwardProxy> {
  const seen: string[] = [];
  const wanted = userinfo && `Basic ${Buffer.from(userinfo).toString('base64')}`;
  const isKnown = (request: IncomingMessage): boolean => {
    seen.push(`${request.method} ${request.url}`);
    return wanted === undefined || request.headers['proxy-authorization'] === wanted;
  };
  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    if (!isKnown(request)) {
      response.writeHead(407, { 'proxy-authenticate': 'Basic' }).end('who?');
      return;
    }
    const { pathname, search, host } = new URL(request.url ?? '');
    const headers = { ...request.headers, host };
    const onward = ask(
      { port: upstream, method: request.method, path: pathname + search, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  });
  server.on('connect', (request: IncomingMessage, socket: Socket) => {
    socket.on('error', () => socket.destroy());
    if (!isKnown(request)) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
      return;
    }
    const onward = connect(upstream, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      socket.pipe(onward).pipe(socket);
    });
    socket.on('close', () => onward.destroy());
    onward.on('error', () => socket.destroy());
  });
  return { ...(await listen(server)), seen };
}
