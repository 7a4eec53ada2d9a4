import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import { randomUUID } from 'node:crypto';
import { configOf } from './bodies.ts';
import { remoteContract } from './contract.ts';
import { open } from './open.ts';
import openS3 from '../../src/remotes/s3.ts';

const endpoint = process.env['LOCKSTEP_TEST_S3'];
const keys = { access_key_id: 'lockstep', secret_access_key: 'lockstep-test-secret' };

remoteContract('s3', {
  skip:
    endpoint === undefined ? 'LOCKSTEP_TEST_S3 is not set; scripts/servers.sh starts a server' : undefined,
  async place() {
    const bucket = `test-${randomUUID()}`;
    const client = new S3Client({
      endpoint: endpoint ?? '',
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId: keys.access_key_id, secretAccessKey: keys.secret_access_key },
    });
    await client.send(new CreateBucketCommand({ Bucket: bucket }));
    client.destroy();
    const config = configOf(`s3://${bucket}/some/prefix`, { ...keys, endpoint: endpoint ?? '' });
    return { open: () => open(config), openRaw: () => openS3(config, new AbortController().signal) };
  },
});
