import assert from 'node:assert/strict';
import test from 'node:test';
import { cloneOf, createDemo, succeeded } from './projects.ts';

const REMOTES = 'default: origin\nremotes:\n  origin: { url: remote }\n  backup: { url: backup }\n';

test('repro --pull --remote takes results from that remote, and the default one stays unasked', async () => {
  const rig = await createDemo({ 'remotes.yaml': REMOTES });
  succeeded(await rig.lockstep(['push', '--run-cache', '--remote', 'backup']));
  const clone = cloneOf(rig);
  // The default one does not even exist.
  clone.write(
    'remotes.yaml',
    REMOTES.replace('url: backup', `url: ${rig.path('backup')}`).replace('url: remote', 'url: no/such/share'),
  );
  clone.remove('pipeline.lock');
  const ran = succeeded(await clone.lockstep(['repro', '--pull', '-r', 'backup']));
  assert.match(ran.stderr, /^took the results of 3 stages from backup: copy, split, count$/m);
  assert.match(ran.stderr, /^3 stages: 3 restored in /m);
  assert.equal(clone.read('pipeline.lock'), rig.read('pipeline.lock'));
});

test('repro --remote without --pull, or with a name that no remote has, runs nothing', async () => {
  const rig = await createDemo({ 'remotes.yaml': REMOTES });
  rig.write('in.txt', 'four\n');
  const alone = await rig.lockstep(['repro', '--remote', 'backup']);
  assert.equal(alone.code, 2);
  assert.equal(
    alone.stderr,
    'error[cli.arguments]: "--remote" says from where "--pull" takes results\n = hint: add --pull, or leave --remote out\n',
  );
  const unknown = await rig.lockstep(['repro', '--pull', '--remote', 'backpu']);
  assert.equal(unknown.code, 2);
  assert.match(unknown.stderr, /^error\[remote\.unknown\]: .*\n = hint: did you mean "backup"\?\n$/);
  assert.equal(rig.read('copy.txt'), 'one\ntwo\nthree\n');
});
