import type * as S3Sdk from '@aws-sdk/client-s3';
import type { Body } from '../base/remote.ts';
import { sendParts } from './send-parts.ts';
import type { Room } from './room.ts';

/** The least that a part holds: up to it an object goes up in one request. */
export const PART_BYTES: number = 8 * 1024 * 1024;
/** S3 takes no more than 10,000 parts. */
const MOST_PARTS = 9_000;
/** So long an interrupt waits for the server to forget the parts. */
const DISCARD_MS = 2000;

export interface PartsUpload {
  readonly sdk: typeof S3Sdk;
  readonly client: S3Sdk.S3Client;
  readonly target: { readonly Bucket: string; readonly Key: string };
  readonly body: Body;
  readonly room: Room;
  readonly signal: AbortSignal;
  /** Calls again what fails and may pass. */
  readonly step: <T>(call: () => Promise<T>) => Promise<T>;
  /** Makes the error for something that answers and is no S3. */
  readonly strange: () => Error;
}

interface Part {
  readonly ETag: string;
  readonly PartNumber: number;
}

/**
 * Uploads a body in parts; the object appears with the last one. After an error or an abort the server is told to forget
 * the parts, which would cost money, before this rejects.
 */
export async function uploadParts(upload: PartsUpload): Promise<void> {
  const { sdk, client, target, body, room, signal, step, strange } = upload;
  const { UploadId } = await room.use(0, signal, () =>
    client.send(new sdk.CreateMultipartUploadCommand(target), { abortSignal: signal }),
  );
  if (UploadId === undefined) throw strange();
  const sendPart = async (Body: Buffer, PartNumber: number): Promise<Part> => {
    const command = new sdk.UploadPartCommand({ ...target, UploadId, PartNumber, Body });
    const { ETag } = await unlessForgotten(step, () => client.send(command, { abortSignal: signal }));
    if (ETag === undefined) throw strange();
    return { ETag, PartNumber };
  };
  try {
    const size = Math.max(PART_BYTES, Math.ceil(body.size / MOST_PARTS));
    const Parts = await sendParts(body, { size, room, signal, send: sendPart });
    await room.use(0, signal, () => complete(upload, UploadId, Parts));
  } catch (error) {
    await discard(upload, UploadId);
    throw error;
  }
}

/** Where the server has forgotten the upload no other try helps, only another upload. */
async function unlessForgotten<T>(step: PartsUpload['step'], call: () => Promise<T>): Promise<T> {
  const done = await step(async () => {
    try {
      return { value: await call() };
    } catch (error) {
      if (isForgotten(error)) return { error };
      throw error;
    }
  });
  if ('error' in done) throw done.error;
  return done.value;
}

function isForgotten(error: unknown): error is Error {
  return error instanceof Error && error.name === 'NoSuchUpload';
}

/** Makes one object of the parts. */
async function complete(
  { sdk, client, target, body, signal, step, strange }: PartsUpload,
  UploadId: string,
  Parts: Part[],
): Promise<void> {
  const command = new sdk.CompleteMultipartUploadCommand({ ...target, UploadId, MultipartUpload: { Parts } });
  const options = { abortSignal: signal };
  let ETag: string | undefined;
  try {
    ({ ETag } = await unlessForgotten(step, () => client.send(command, options)));
  } catch (error) {
    if (!isForgotten(error)) throw error;
    // An answer may have been lost, and what was done have been asked for again.
    const found = await client.send(new sdk.HeadObjectCommand(target), options).catch(() => undefined);
    if (found?.ContentLength !== body.size) throw error;
    ({ ETag } = found);
  }
  if (ETag === undefined) throw strange();
}

async function discard({ sdk, client, target }: PartsUpload, UploadId: string): Promise<void> {
  const command = new sdk.AbortMultipartUploadCommand({ ...target, UploadId });
  await client.send(command, { abortSignal: AbortSignal.timeout(DISCARD_MS) }).catch(() => undefined);
}
