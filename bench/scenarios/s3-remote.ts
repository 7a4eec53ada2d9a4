import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { generateFiles, scaleDown } from '../generate/files.ts';
import type { Shape } from '../generate/files.ts';
import { makeDataProject, objectsOf, recordData } from '../harness/data-project.ts';
import { digestFolder } from '../harness/digest.ts';
import type { Command } from '../harness/measure.ts';
import { writeFiles } from '../harness/project.ts';
import { startS3Server } from '../harness/s3-server.ts';
import type { S3Server } from '../harness/s3-server.ts';
import type { Bench, Contender, Course, Scenario } from '../harness/trial.ts';

/** 10,000 files of 8 KiB: what costs is the request, not the bytes. */
const NOTES: Shape = { files: 10_000, minSize: 8192, maxSize: 8192, folders: 20 };
/** Requests at once, of both. */
const JOBS = 16;

const scenario: Scenario = {
  title: '10,000 files of 8 KiB to an S3 server of this machine, and back',
  rounds: 3,
  diskBytes: (quick, rounds) => (10 * (1 + rounds) * NOTES.files * NOTES.maxSize) / (quick ? 10 : 1),
  async prepare(bench) {
    const server = await startS3Server(bench);
    const missing = [
      ...(server ? [] : ['versitygw']),
      ...(bench.peer('rclone') === undefined ? ['rclone'] : []),
    ];
    if (!server) {
      const trials = ['push', 'fetch'].map((name) => ({ name, contenders: [], missing }));
      return { trials, warmUp: 'done' };
    }
    return prepareWith(bench, server, missing);
  },
};

export default scenario;

function prepareWith(bench: Bench, server: S3Server, missing: readonly string[]): Course {
  const shape = bench.quick ? scaleDown(NOTES) : NOTES;
  const ours = ourSide(bench, server, shape);
  const theirs = rcloneSide(bench, server, shape);
  const both = (name: 'push' | 'fetch'): readonly Contender[] => [
    ours[name],
    ...(theirs ? [theirs[name]] : []),
  ];
  return {
    trials: [
      { name: 'push', contenders: both('push'), missing },
      { name: 'fetch', contenders: both('fetch'), missing },
    ],
    warmUp: 'round',
    close: server.stop,
  };
}

interface Side {
  readonly push: Contender;
  readonly fetch: Contender;
}

function ourSide(bench: Bench, server: S3Server, shape: Shape): Side {
  const folder = makeDataProject(bench, 'project', { shape, as: 'out' });
  const { endpoint, bucket, accessKey, secretKey } = server;
  writeFiles(folder, {
    'remotes.yaml':
      `default: shelf\nremotes:\n  shelf:\n    url: s3://${bucket}/lockstep\n    endpoint: ${endpoint}\n` +
      `    access_key_id: ${accessKey}\n    secret_access_key: \${env:BENCH_SECRET}\n    jobs: ${JOBS}\n`,
  });
  recordData(bench, folder);
  const command = (verb: string) => (): Command => ({
    ...bench.lockstep(folder, verb),
    env: { BENCH_SECRET: secretKey },
  });
  const push = command('push');
  return {
    push: {
      name: 'lockstep',
      before: server.empty,
      command: push,
      check: () => digestFolder(server.folder),
    },
    fetch: {
      name: 'lockstep',
      before: () => {
        server.empty();
        bench.run(push());
        bench.discard(objectsOf(folder));
      },
      command: command('fetch'),
      check: () => digestFolder(objectsOf(folder)),
    },
  };
}

function rcloneSide(bench: Bench, server: S3Server, shape: Shape): Side | undefined {
  const path = bench.peer('rclone');
  if (path === undefined) return undefined;
  const source = join(bench.dir, 'source');
  const copy = join(bench.dir, 'copy');
  const config = join(bench.dir, 'rclone.conf');
  generateFiles(source, shape);
  writeFileSync(
    config,
    `[bench]\ntype = s3\nprovider = Other\nendpoint = ${server.endpoint}\n` +
      `access_key_id = ${server.accessKey}\nsecret_access_key = ${server.secretKey}\nno_check_bucket = true\n`,
  );
  const remote = `bench:${server.bucket}/rclone`;
  const between = (from: string, to: string) => (): Command => ({
    argv: [path, '--config', config, 'copy', from, to, '--transfers', String(JOBS)],
    cwd: bench.dir,
  });
  const push = between(source, remote);
  return {
    push: {
      name: 'rclone',
      before: server.empty,
      command: push,
      check: () => digestFolder(server.folder),
    },
    fetch: {
      name: 'rclone',
      before: () => {
        server.empty();
        bench.run(push());
        bench.discard(copy);
      },
      command: between(remote, copy),
      check: () => digestFolder(copy),
    },
  };
}
