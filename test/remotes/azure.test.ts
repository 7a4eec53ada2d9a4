import { randomUUID } from 'node:crypto';
import { BlobServiceClient, StorageSharedKeyCredential } from '@azure/storage-blob';
import openAzure from '../../src/remotes/azure.ts';
import { configOf } from './bodies.ts';
import { remoteContract } from './contract.ts';
import { open } from './open.ts';

const endpoint = process.env['LOCKSTEP_TEST_AZURE'];
/** The emulator's account and key, which are printed in its manual. */
const ACCOUNT = 'devstoreaccount1';
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

remoteContract('azure', {
  skip:
    endpoint === undefined ? 'LOCKSTEP_TEST_AZURE is not set; scripts/servers.sh starts a server' : undefined,
  async place() {
    const container = `test-${randomUUID()}`;
    const base = `${endpoint ?? ''}/${ACCOUNT}`;
    await new BlobServiceClient(base, new StorageSharedKeyCredential(ACCOUNT, KEY)).createContainer(
      container,
    );
    const config = configOf(`azure://${container}/some/prefix`, {
      account: ACCOUNT,
      account_key: KEY,
      endpoint: base,
    });
    return { open: () => open(config), openRaw: () => openAzure(config, new AbortController().signal) };
  },
});
