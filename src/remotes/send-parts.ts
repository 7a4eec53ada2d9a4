import type { Body } from '../base/remote.ts';
import { fillParts } from './fill-parts.ts';
import type { Room } from './room.ts';

/** Parts of one object under way at once. */
const PARTS_AT_ONCE = 3;

export interface SendPartsOptions<Part> {
  /** Bytes of each part but the last. */
  readonly size: number;
  readonly room: Room;
  readonly signal: AbortSignal;
  /** Sends one part, counted from 1; its bytes are other ones once this has resolved. */
  readonly send: (bytes: Buffer, number: number) => Promise<Part>;
}

/**
 * Sends a body in parts, up to three at once, and gives what was made of them, in their order. None is under way any
 * more when this ends, however it does: one that came later would stay at the server.
 */
export async function sendParts<Part>(body: Body, options: SendPartsOptions<Part>): Promise<Part[]> {
  const { size, room, signal, send } = options;
  const parts: Part[] = [];
  const failures: unknown[] = [];
  const underWay = new Set<Promise<void>>();
  const stream = body.open();
  const pieces = fillParts(stream as AsyncIterable<Uint8Array>);

  async function sendOne(buffer: Buffer<ArrayBuffer>, bytes: Buffer, number: number): Promise<void> {
    try {
      parts[number - 1] = await send(bytes, number);
    } catch (error) {
      failures.push(error);
    } finally {
      room.give(buffer);
    }
  }

  /** Sends the next part in the background; false when that was the last, or there was none. */
  async function next(number: number): Promise<boolean> {
    const buffer = await room.take(size, signal);
    let length = 0;
    try {
      if (failures.length === 0) length = await pieces.fill(buffer);
    } finally {
      if (length === 0) room.give(buffer);
    }
    if (length === 0) return false;
    const sending = sendOne(buffer, buffer.subarray(0, length), number);
    underWay.add(sending);
    void sending.then(() => underWay.delete(sending));
    return length === size;
  }

  try {
    for (let number = 1; failures.length === 0 && (await next(number)); number++)
      if (underWay.size >= PARTS_AT_ONCE) await Promise.race(underWay);
  } finally {
    await Promise.all(underWay);
    stream.destroy();
  }
  if (failures.length > 0) throw failures[0];
  signal.throwIfAborted();
  return parts;
}
