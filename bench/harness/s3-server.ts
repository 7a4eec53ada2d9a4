import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import type { Bench } from './trial.ts';

/** A server that speaks S3, on this machine, with one bucket. */
export interface S3Server {
  readonly endpoint: string;
  readonly accessKey: string;
  readonly secretKey: string;
  readonly bucket: string;
  /** The folder in which the bucket's objects are files of their own names. */
  readonly folder: string;
  /** Removes all objects. */
  readonly empty: () => void;
  readonly stop: () => void;
}

const START_MS = 20_000;

/** Starts versitygw, if this machine has it. It keeps connections open, as Amazon does. */
export async function startS3Server({ dir, discard, peer }: Bench): Promise<S3Server | undefined> {
  const path = peer('versitygw');
  if (path === undefined) return undefined;
  const [accessKey, secretKey, bucket] = ['bench', 'bench-secret', 'bucket'];
  // It takes a folder whose name begins like the other's for a part of it.
  const [data, meta] = [join(dir, 's3'), join(dir, 'meta')];
  const folder = join(data, bucket);
  const empty = (): void => {
    for (const one of [folder, meta]) {
      mkdirSync(one, { recursive: true });
      discard(...readdirSync(one).map((name) => join(one, name)));
    }
  };
  empty();
  const port = await findPort();
  const address = `127.0.0.1:${port}`;
  const argv = ['--access', accessKey, '--secret', secretKey, '--port', address, '--quiet', '--keep-alive'];
  const server = spawn(path, [...argv, 'posix', '--sidecar', meta, data], { stdio: 'ignore' });
  const stop = (): void => void server.kill();
  process.once('exit', stop);
  server.unref();
  await answers(port);
  return { endpoint: `http://${address}`, accessKey, secretKey, bucket, folder, empty, stop };
}

function findPort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

async function answers(port: number): Promise<void> {
  for (const until = Date.now() + START_MS; ;) {
    const isThere = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => resolve(true)).once('error', () => resolve(false));
      socket.once('connect', () => socket.destroy());
    });
    if (isThere) return;
    if (Date.now() > until) throw new Error('versitygw does not answer');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
