import type * as S3Sdk from '@aws-sdk/client-s3';
import type { Body } from '../base/remote.ts';

/** The least that a part holds: up to it an object goes up in one request. */
export const PART_BYTES: number = 8 * 1024 * 1024;
/** S3 takes no more than 10,000 parts. */
const MOST_PARTS = 9_000;
/** Parts of one object under way at once. */
const PARTS_AT_ONCE = 3;
/** So long an interrupt waits for the server to forget the parts. */
const DISCARD_MS = 2000;

export interface PartsUpload {
  readonly sdk: typeof S3Sdk;
  readonly client: S3Sdk.S3Client;
  readonly target: { readonly Bucket: string; readonly Key: string };
  readonly body: Body;
  readonly signal: AbortSignal;
}

interface Part {
  readonly ETag: string;
  readonly PartNumber: number;
}

/**
 * Uploads a body in parts, never more than three of them in memory, in buffers that are used again; the object appears
 * with the last one. After an error or an abort the server is told to forget the parts, which would cost money, before
 * this rejects. Resolves with the object's tag; `undefined` when something answered that is no S3.
 */
export async function uploadParts(upload: PartsUpload): Promise<string | undefined> {
  const { sdk, client, target, signal } = upload;
  const started = await client.send(new sdk.CreateMultipartUploadCommand(target), { abortSignal: signal });
  const { UploadId } = started;
  if (UploadId === undefined) return undefined;
  try {
    const Parts = await sendParts(upload, UploadId);
    if (Parts) return await complete(upload, UploadId, Parts);
  } catch (error) {
    await discard(upload, UploadId);
    throw error;
  }
  await discard(upload, UploadId);
  return undefined;
}

/** Sends all parts; none is under way any more when it ends, since one that came later would stay at the server. */
async function sendParts(
  { sdk, client, target, body, signal }: PartsUpload,
  UploadId: string,
): Promise<Part[] | undefined> {
  const size = Math.max(PART_BYTES, Math.ceil(body.size / MOST_PARTS));
  const parts: Part[] = [];
  const failures: unknown[] = [];
  let isStrange = false;
  let number = 0;
  const stream = body.open();
  const pieces = fillParts(stream as AsyncIterable<Uint8Array>);
  /** Filling is one after the other; sending is not. */
  let filling: Promise<unknown> = Promise.resolve();
  const work = async (): Promise<void> => {
    const buffer = Buffer.allocUnsafeSlow(size);
    while (failures.length === 0 && !isStrange) {
      const filled = filling.then(async () => {
        if (failures.length > 0 || signal.aborted) return undefined;
        const length = await pieces.fill(buffer);
        return length === 0 ? undefined : { length, PartNumber: ++number };
      });
      filling = filled.catch(() => undefined);
      const part = await filled;
      if (!part) return;
      const Body = buffer.subarray(0, part.length);
      const { PartNumber } = part;
      const command = new sdk.UploadPartCommand({ ...target, UploadId, PartNumber, Body });
      const { ETag } = await client.send(command, { abortSignal: signal });
      if (ETag === undefined) isStrange = true;
      else parts.push({ ETag, PartNumber });
    }
  };
  const guarded = (): Promise<void> => work().catch((error: unknown) => void failures.push(error));
  try {
    await Promise.all(Array.from({ length: PARTS_AT_ONCE }, guarded));
  } finally {
    stream.destroy();
  }
  if (failures.length > 0) throw failures[0];
  signal.throwIfAborted();
  return isStrange ? undefined : parts.sort((a, b) => a.PartNumber - b.PartNumber);
}

/** Cuts a stream into pieces of the length of a buffer; the last may be shorter, behind it comes 0. */
function fillParts(stream: AsyncIterable<Uint8Array>): { fill(buffer: Buffer): Promise<number> } {
  const chunks = stream[Symbol.asyncIterator]();
  let rest: Uint8Array = new Uint8Array(0);
  return {
    async fill(buffer) {
      let filled = 0;
      while (filled < buffer.length) {
        if (rest.length === 0) {
          const next = await chunks.next();
          if (next.done === true) break;
          rest = next.value;
        }
        const taken = rest.subarray(0, buffer.length - filled);
        buffer.set(taken, filled);
        filled += taken.length;
        rest = rest.subarray(taken.length);
      }
      return filled;
    },
  };
}

/** Makes one object of the parts; gives its tag. */
async function complete(
  { sdk, client, target, body, signal }: PartsUpload,
  UploadId: string,
  Parts: readonly Part[],
): Promise<string | undefined> {
  const command = { ...target, UploadId, MultipartUpload: { Parts: [...Parts] } };
  const options = { abortSignal: signal };
  try {
    return (await client.send(new sdk.CompleteMultipartUploadCommand(command), options)).ETag;
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'NoSuchUpload') throw error;
    // An answer may have been lost, and the SDK have asked again for what was done.
    const found = await client.send(new sdk.HeadObjectCommand(target), options).catch(() => undefined);
    if (found?.ContentLength !== body.size) throw error;
    return found.ETag;
  }
}

async function discard({ sdk, client, target }: PartsUpload, UploadId: string): Promise<void> {
  const command = new sdk.AbortMultipartUploadCommand({ ...target, UploadId });
  await client.send(command, { abortSignal: AbortSignal.timeout(DISCARD_MS) }).catch(() => undefined);
}
