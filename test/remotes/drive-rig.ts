import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Remote, RemoteConfig } from '../../src/base/remote.ts';
import { configOf } from './bodies.ts';
import { startFakeDrive } from './fake-drive.ts';
import type { FakeDrive, Hostility } from './fake-drive.ts';
import { open } from './open.ts';

/** A remote over a fake Drive. */
export interface DriveRig {
  readonly fake: FakeDrive;
  readonly config: RemoteConfig;
  /** Opens the remote with the fake's clock, so that waits move it. */
  readonly open: () => Promise<Remote>;
}

/** A remote over a fake Drive that is gone after the test. */
export async function rig(t: TestContext, hostility: Hostility = {}): Promise<DriveRig> {
  const fake = await startFakeDrive(hostility);
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-drive-'));
  t.after(async () => {
    rmSync(folder, { recursive: true });
    await fake[Symbol.asyncDispose]();
  });
  const client = join(folder, 'client.json');
  const token = join(folder, 'token.json');
  writeFileSync(
    client,
    JSON.stringify({ installed: { client_id: 'client', client_secret: 'client-canary' } }),
  );
  writeFileSync(token, JSON.stringify({ refresh_token: 'refresh-canary' }));
  const config = configOf(`gdrive://${fake.root}/some/path`, {
    client,
    token_file: token,
    endpoint: fake.url,
  });
  return { fake, config, open: () => open(config, { clock: fake.clock, random: () => 0.5 }) };
}
