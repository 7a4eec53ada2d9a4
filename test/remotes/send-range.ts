import type { IncomingMessage, ServerResponse } from 'node:http';

/** Answers with bytes, or with the rest of them that a request's `Range` asks for; returns what it is about to send. */
export function beginRange(request: IncomingMessage, response: ServerResponse, bytes: Buffer): Buffer {
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  const from = Number(asked ?? 0);
  const rest = bytes.subarray(from);
  response.writeHead(asked === undefined ? 200 : 206, {
    'content-length': rest.length,
    ...(asked !== undefined && { 'content-range': `bytes ${from}-${bytes.length - 1}/${bytes.length}` }),
  });
  return rest;
}
