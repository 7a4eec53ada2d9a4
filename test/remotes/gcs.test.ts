import { randomUUID } from 'node:crypto';
import { Storage } from '@google-cloud/storage';
import openGcs from '../../src/remotes/gcs.ts';
import { configOf } from './bodies.ts';
import { remoteContract } from './contract.ts';
import { open } from './open.ts';

const endpoint = process.env['LOCKSTEP_TEST_GCS'];

remoteContract('gcs', {
  skip:
    endpoint === undefined ? 'LOCKSTEP_TEST_GCS is not set; scripts/servers.sh starts a server' : undefined,
  async place() {
    const bucket = `test-${randomUUID()}`;
    await new Storage({ apiEndpoint: endpoint ?? '', projectId: 'test' }).createBucket(bucket);
    const config = configOf(`gs://${bucket}/some/prefix`, { endpoint: endpoint ?? '', project: 'test' });
    return { open: () => open(config), openRaw: () => openGcs(config, new AbortController().signal) };
  },
});
