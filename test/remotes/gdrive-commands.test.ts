import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { cloneOf, createDemo, succeeded } from '../commands/projects.ts';
import type { Rig } from '../rig.ts';
import { DRIVE_KEYS } from './drive-rig.ts';
import { startFakeDrive } from './fake-drive.ts';
import type { FakeDrive, Hostility } from './fake-drive.ts';
import { pushAsReader } from './told.ts';

interface Place {
  readonly fake: FakeDrive;
  readonly rig: Rig;
  readonly env: Readonly<Record<string, string>>;
}

/** The demo project with the remote that docs/remotes/gdrive.md shows, over a fake Drive. */
async function createPlace(t: TestContext, hostility: Hostility): Promise<Place> {
  const fake = await startFakeDrive(hostility);
  t.after(() => fake[Symbol.asyncDispose]());
  const rig = await createDemo({
    ...DRIVE_KEYS,
    'remotes.yaml': `default: drive
remotes:
  drive:
    url: "gdrive://\${env:GOOGLE_DRIVE_FOLDER_ID}/sensex"
    client: client.json
    token_file: token.json
    endpoint: "${fake.url}"
`,
  });
  return { fake, rig, env: { GOOGLE_DRIVE_FOLDER_ID: fake.root } };
}

test('a folder of a shared drive that GOOGLE_DRIVE_FOLDER_ID names is pushed to and pulled from', async (t) => {
  const { fake, rig, env } = await createPlace(t, { sharedDrive: 'member' });
  assert.match(succeeded(await rig.lockstep(['push'], { env })).stderr, /^pushed 6 objects/m);
  const [top] = [...fake.files.values()].filter(({ parents }) => parents.includes(fake.root));
  assert.equal(top?.name, 'sensex');
  const clone = cloneOf(rig);
  succeeded(await clone.lockstep(['pull'], { env }));
  assert.equal(clone.read('parts/2.txt'), 'two\n');
  // Nothing is sent again by a machine that has all of it from there.
  assert.match(
    succeeded(await clone.lockstep(['push'], { env })).stderr,
    /^nothing pushed to drive, 6 there already$/m,
  );
});

test('without GOOGLE_DRIVE_FOLDER_ID, or with a wrong one, the error names it', async (t) => {
  const { rig, env } = await createPlace(t, {});
  const unset = await rig.lockstep(['push']);
  assert.equal(unset.code, 2);
  assert.match(
    unset.stderr,
    /^error\[remotes\.env\]: the remote "drive" needs the environment variable GOOGLE_DRIVE_FOLDER_ID, which is not set$/m,
  );
  const empty = await rig.lockstep(['push'], { env: { ...env, GOOGLE_DRIVE_FOLDER_ID: '' } });
  assert.equal(empty.code, 2);
  assert.match(empty.stderr, /^error\[remote\.option\]: remote "drive": the url has no name after "\/\/"$/m);
  assert.match(empty.stderr, /= hint: .*give a variable that stands there a value$/m);
  for (const [machine, command] of [
    [rig, 'push'],
    [cloneOf(rig), 'pull'],
  ] as const) {
    const wrong = await machine.lockstep([command], {
      env: { ...env, GOOGLE_DRIVE_FOLDER_ID: '1WrongFolder' },
    });
    assert.equal(wrong.code, 2, wrong.stderr);
    assert.match(
      wrong.stderr,
      /^error\[remote\.not-found\]: remote "drive": the folder "1WrongFolder" does not exist for this account$/m,
    );
    assert.match(
      wrong.stderr,
      /= hint: copy the id from the address of the folder in the browser, and share/,
    );
  }
});

test('who may only read a folder of Drive pulls from it, and is told what pushing takes', async (t) => {
  const { fake, rig, env } = await createPlace(t, { sharedDrive: 'member' });
  const { clone, pushed } = await pushAsReader(rig, env, () => (fake.hostility.isViewer = true));
  assert.match(
    pushed.stderr,
    /^error\[remote\.denied\]: remote "drive": the server answered 403 insufficientFilePermissions "/m,
  );
  assert.match(
    pushed.stderr,
    /= hint: share the folder with this account as an editor; in a shared drive make it a content manager$/m,
  );
  const checked = await clone.lockstep(['remote', 'check'], { env });
  assert.equal(checked.code, 1);
  assert.match(checked.stdout, /^fail {2}put .*insufficientFilePermissions/m);
});
