import { Readable } from 'node:stream';

/** A stream of pieces made from another, which is closed with it: a generator that never began would leave it open. */
export function derivedStream(from: Readable, pieces: AsyncGenerator<Uint8Array, void, undefined>): Readable {
  const stream = Readable.from(pieces, { objectMode: false });
  stream.once('close', () => from.destroy());
  return stream;
}
