import { randomUUID } from 'node:crypto';
import type { RemoteConfig } from '../../src/base/remote.ts';
import { configOf } from './bodies.ts';

/** A real server that the suites run against when a variable names it. */
export interface CloudPlace {
  /** Why it cannot be used here. */
  readonly skip: string | undefined;
  readonly endpoint: string;
  /** Makes a bucket (container) that nobody else has; asked through another address when one is given. */
  create(through?: string): Promise<RemoteConfig>;
}

function fromVariable(name: string): Pick<CloudPlace, 'skip' | 'endpoint'> {
  const endpoint = process.env[name];
  return {
    endpoint: endpoint ?? '',
    skip: endpoint === undefined ? `${name} is not set; scripts/servers.sh starts a server` : undefined,
  };
}

/** The keys that scripts/servers.sh gives to its S3 server. */
export const S3_KEYS = { access_key_id: 'lockstep', secret_access_key: 'lockstep-test-secret' } as const;

/** Any server that speaks S3: LOCKSTEP_TEST_S3. */
export function s3Place(): CloudPlace {
  const { endpoint, skip } = fromVariable('LOCKSTEP_TEST_S3');
  return {
    endpoint,
    skip,
    async create(through = endpoint) {
      const { CreateBucketCommand, S3Client } = await import('@aws-sdk/client-s3');
      const bucket = `test-${randomUUID()}`;
      const credentials = { accessKeyId: S3_KEYS.access_key_id, secretAccessKey: S3_KEYS.secret_access_key };
      const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials });
      await client.send(new CreateBucketCommand({ Bucket: bucket }));
      client.destroy();
      return configOf(`s3://${bucket}/some/prefix`, { ...S3_KEYS, endpoint: through });
    },
  };
}

/** fake-gcs-server: LOCKSTEP_TEST_GCS. */
export function gcsPlace(): CloudPlace {
  const { endpoint, skip } = fromVariable('LOCKSTEP_TEST_GCS');
  return {
    endpoint,
    skip,
    async create(through = endpoint) {
      const { Storage } = await import('@google-cloud/storage');
      const bucket = `test-${randomUUID()}`;
      await new Storage({ apiEndpoint: endpoint, projectId: 'test' }).createBucket(bucket);
      return configOf(`gs://${bucket}/some/prefix`, { endpoint: through, project: 'test' });
    },
  };
}

/** The emulator's account and key, which are printed in its manual. */
const AZURE_ACCOUNT = 'devstoreaccount1';
const AZURE_KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** Azurite: LOCKSTEP_TEST_AZURE. */
export function azurePlace(): CloudPlace {
  const { endpoint, skip } = fromVariable('LOCKSTEP_TEST_AZURE');
  return {
    endpoint,
    skip,
    async create(through = endpoint) {
      const { BlobServiceClient, StorageSharedKeyCredential } = await import('@azure/storage-blob');
      const container = `test-${randomUUID()}`;
      const key = new StorageSharedKeyCredential(AZURE_ACCOUNT, AZURE_KEY);
      await new BlobServiceClient(`${endpoint}/${AZURE_ACCOUNT}`, key).createContainer(container);
      return configOf(`azure://${container}/some/prefix`, {
        account: AZURE_ACCOUNT,
        account_key: AZURE_KEY,
        endpoint: `${through}/${AZURE_ACCOUNT}`,
      });
    },
  };
}
