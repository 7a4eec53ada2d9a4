import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { test } from 'node:test';
import { objectsOf } from '../commands/objects.ts';
import { cloneOf, createDemo, succeeded } from '../commands/projects.ts';
import type { Ran } from '../rig.ts';
import { fakeS3Yaml, startFakeS3 } from './fake-s3.ts';

const env = { FAKE_SECRET: 'correct-horse-battery' };

/** Code, sentence without the remote's name, and hint of the error that ended a command. */
function errorOf({ stderr }: Ran): readonly string[] {
  const [, code = '', message = ''] = /^error\[(.*)\]: remote "cloud": (.*)$/m.exec(stderr) ?? [];
  return [code, message, /= hint: (.*)/.exec(stderr)?.[1] ?? ''];
}

/** what the server answers, our code, exit code, what the hint names */
const REFUSALS = [
  [{ status: 403, code: 'InvalidAccessKeyId' }, 'remote.credentials', 2, /check the credentials/],
  [{ status: 400, code: 'ExpiredToken' }, 'remote.credentials', 2, /ask for a new one/],
  [{ status: 404, code: 'NoSuchBucket' }, 'remote.not-found', 2, /create it, or correct the url/],
  [{ status: 403, code: 'AccessDenied' }, 'remote.denied', 1, /s3:GetObject and s3:PutObject/],
  [{ status: 403, code: 'RequestTimeTooSkewed' }, 'remote.clock', 1, /set this machine's clock right/],
  [{ status: 507, code: 'XMinioStorageFull' }, 'remote.full', 1, /make room there/],
  [{ status: 503, code: 'SlowDown', retryAfter: 3600 }, 'remote.quota', 1, /wait a while/],
] as const;

for (const [misdeed, code, exit, cure] of REFUSALS) {
  test(`${misdeed.code} is ${code} to push and to remote check, with the same sentence and cure`, async () => {
    await using fake = await startFakeS3();
    const rig = await createDemo({ 'remotes.yaml': fakeS3Yaml(fake.url) });
    fake.misbehave = ({ method }) => (method === 'PUT' ? misdeed : undefined);
    const pushed = await rig.lockstep(['push'], { env });
    assert.equal(pushed.code, exit, pushed.stderr);
    const [told, message = '', hint = ''] = errorOf(pushed);
    assert.equal(told, code);
    assert.match(hint, cure);
    assert.equal(fake.objects.size, 0);

    const checked = await rig.lockstep(['remote', 'check'], { env });
    assert.equal(checked.code, 1);
    assert.ok(checked.stdout.includes(`fail  put     remote "cloud": ${message}  (`), checked.stdout);
    assert.ok(checked.stdout.includes(`      = cure: ${hint}\n`), checked.stdout);
  });
}

for (const [misdeed, code, exit] of [
  [{ status: 400, code: 'ExpiredToken' }, 'remote.credentials', 2],
  [{ status: 503, code: 'SlowDown', retryAfter: 3600 }, 'remote.quota', 1],
] as const) {
  test(`a pull that ${misdeed.code} ends leaves whole objects only, and the next one brings the rest`, async () => {
    await using fake = await startFakeS3();
    const rig = await createDemo({ 'remotes.yaml': fakeS3Yaml(fake.url) });
    succeeded(await rig.lockstep(['push'], { env }));
    const clone = cloneOf(rig);
    // The third object is refused: two are there by then, or on their way.
    let count = 0;
    fake.misbehave = ({ method, key }) =>
      method === 'GET' && key.includes('files/') && ++count > 2 ? misdeed : undefined;
    const pulled = await clone.lockstep(['pull'], { env });
    assert.equal(pulled.code, exit, pulled.stderr);
    assert.equal(errorOf(pulled)[0], code);
    // A file that came is checked out; of the folder two objects are not enough.
    assert.ok(!existsSync(clone.path('parts')));
    for (const out of ['copy.txt', 'count.txt'].filter((name) => existsSync(clone.path(name))))
      assert.equal(clone.read(out), rig.read(out));
    const here = objectsOf(clone.path('.lockstep'));
    for (const file of here) {
      const name = basename(dirname(file)) + basename(file);
      assert.equal(createHash('sha256').update(readFileSync(file)).digest('hex'), name.replace('.dir', ''));
    }

    fake.misbehave = () => undefined;
    succeeded(await clone.lockstep(['pull'], { env }));
    assert.equal(clone.read('parts/3.txt'), 'three\n');
  });
}

test('an object that goes between the listing and the download is named, and the rest comes', async () => {
  await using fake = await startFakeS3();
  const rig = await createDemo({ 'remotes.yaml': fakeS3Yaml(fake.url) });
  succeeded(await rig.lockstep(['push'], { env }));
  const clone = cloneOf(rig);
  const gone = createHash('sha256').update('two\n').digest('hex').slice(2);
  fake.misbehave = ({ method, key }) =>
    method === 'GET' && key.endsWith(gone) ? { status: 404, code: 'NoSuchKey' } : undefined;
  const ran = await clone.lockstep(['pull'], { env });
  assert.equal(ran.code, 1);
  assert.match(
    ran.stderr,
    /^warning\[fetch\.missing\]: "parts" is in pipeline\.lock, but the remote does not have all of it$/m,
  );
  assert.ok(!existsSync(clone.path('parts')));
  assert.equal(clone.read('copy.txt'), 'one\ntwo\nthree\n');
});
