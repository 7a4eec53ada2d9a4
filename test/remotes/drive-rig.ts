import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Remote, RemoteConfig } from '../../src/base/remote.ts';
import { configOf } from './bodies.ts';
import { startFakeDrive } from './fake-drive.ts';
import type { FakeDrive, Hostility } from './fake-drive.ts';
import { open } from './open.ts';

/** The key files of an account that the fake knows. */
export const DRIVE_KEYS: Readonly<Record<string, string>> = {
  'client.json': JSON.stringify({ installed: { client_id: 'client', client_secret: 'client-canary' } }),
  'token.json': JSON.stringify({ refresh_token: 'refresh-canary' }),
};

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
  for (const [name, text] of Object.entries(DRIVE_KEYS)) writeFileSync(join(folder, name), text);
  const config = configOf(`gdrive://${fake.root}/some/path`, {
    client: join(folder, 'client.json'),
    token_file: join(folder, 'token.json'),
    endpoint: fake.url,
  });
  return { fake, config, open: () => open(config, { clock: fake.clock, random: () => 0.5 }) };
}
