import type * as S3Sdk from '@aws-sdk/client-s3';
import type { Body } from '../base/remote.ts';

/** The least that a part holds: below it an object goes up in one request. */
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

/**
 * Uploads a body in parts, never more than three of them in memory; the object appears with the last one. After an
 * error or an abort the server is told to forget the parts, which would cost money, before this rejects.
 */
export async function uploadParts({ sdk, client, target, body, signal }: PartsUpload): Promise<void> {
  const { Upload } = await import('@aws-sdk/lib-storage');
  signal.throwIfAborted();
  const underWay = new Set<Promise<unknown>>();
  const upload = new Upload({
    client: stoppable(client, signal, underWay),
    params: { ...target, Body: body.open() },
    partSize: Math.max(PART_BYTES, Math.ceil(body.size / MOST_PARTS)),
    queueSize: PARTS_AT_ONCE,
  });
  const stop = (): void => void upload.abort();
  signal.addEventListener('abort', stop, { once: true });
  try {
    await upload.done();
  } catch (error) {
    if (signal.aborted) {
      // A part that arrives after its upload was discarded would stay.
      await Promise.allSettled(underWay);
      if (upload.uploadId !== undefined) {
        const command = new sdk.AbortMultipartUploadCommand({ ...target, UploadId: upload.uploadId });
        await client.send(command, { abortSignal: AbortSignal.timeout(DISCARD_MS) }).catch(() => undefined);
      }
    }
    throw error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

/** The same client, whose requests end with the signal: the SDK's `Upload` stops waiting for its own, not sending. */
function stoppable(
  client: S3Sdk.S3Client,
  signal: AbortSignal,
  underWay: Set<Promise<unknown>>,
): S3Sdk.S3Client {
  const send = (command: Parameters<S3Sdk.S3Client['send']>[0]): Promise<unknown> => {
    const sent: Promise<unknown> = client.send(command, { abortSignal: signal });
    underWay.add(sent);
    const done = (): void => void underWay.delete(sent);
    sent.then(done, done);
    return sent;
  };
  return Object.assign(Object.create(client) as S3Sdk.S3Client, { send });
}
