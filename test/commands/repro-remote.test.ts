import assert from 'node:assert/strict';
import test from 'node:test';
import type { Rig } from '../rig.ts';
import { PIPELINE, cloneOf, createDemo, succeeded } from './projects.ts';

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

const COLD = 'remotes:\n  origin: { url: remote }\n  cold: { url: backup }\ndefault: origin\n';

/** A second machine with both remotes of the first. */
function cloneWithCold(rig: Rig, outs?: readonly string[]): Rig {
  const clone = cloneOf(rig, outs);
  clone.write(
    'remotes.yaml',
    clone.read('remotes.yaml').replace('url: backup', `url: ${rig.path('backup')}`),
  );
  return clone;
}

test('repro --pull takes what each stage made from the remote that its outs name', async () => {
  const rig = await createDemo({
    'pipeline.yaml': PIPELINE.replace('outs: [parts/]', 'outs: [{ parts/: { remote: cold } }]'),
    'remotes.yaml': COLD,
  });
  succeeded(await rig.lockstep(['push', '--run-cache']));
  const locked = cloneWithCold(rig);
  assert.match(succeeded(await locked.lockstep(['repro', '--pull'])).stderr, /^3 stages: 3 restored in /m);
  const clone = cloneWithCold(rig);
  clone.remove('pipeline.lock');
  const ran = succeeded(await clone.lockstep(['repro', '--pull']));
  assert.match(ran.stderr, /^took the result of 1 stage from origin: copy$/m);
  assert.match(ran.stderr, /^took the result of 1 stage from cold: split$/m);
  assert.match(ran.stderr, /^took the result of 1 stage from origin: count$/m);
  assert.match(ran.stderr, /^3 stages: 3 restored in /m);
  assert.equal(clone.read('pipeline.lock'), rig.read('pipeline.lock'));
});

test('repro --pull brings the outs of one stage from several remotes, and runs it when one of them is gone', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\nstages:\n  two: { cmd: "echo 1 > one; echo 2 > two", outs: [one, { two: { remote: cold } }] }\n',
    'remotes.yaml': COLD,
  });
  succeeded(await rig.lockstep(['push']));
  const clone = cloneWithCold(rig, ['one', 'two']);
  assert.match(succeeded(await clone.lockstep(['repro', '--pull'])).stderr, /^1 stage: 1 restored in /m);
  const other = cloneWithCold(rig, ['one', 'two']);
  other.write('remotes.yaml', other.read('remotes.yaml').replace(rig.path('backup'), 'no/such/share'));
  const ran = succeeded(await other.lockstep(['repro', '--pull']));
  assert.match(ran.stderr, /nothing more is pulled: remote "cold": there is no folder/);
  assert.match(ran.stderr, /^1 stage: 1 ran in /m);
});

test('repro --pull asks no remote for what is kept from all of them', async () => {
  const rig = await createDemo({
    'pipeline.yaml': 'name: a\nstages:\n  own: { cmd: "echo 1 > one", outs: [{ one: { push: false } }] }\n',
  });
  const clone = cloneOf(rig, ['one']);
  clone.write('remotes.yaml', 'remotes:\n  gone: { url: no/such/share }\n');
  const ran = succeeded(await clone.lockstep(['repro', '--pull']));
  assert.doesNotMatch(ran.stderr, /gone/);
  assert.match(ran.stderr, /^1 stage: 1 ran in /m);
});

test('repro --pull brings data from the remote that it names, without a default one', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\ndata: [{ path: big.csv, remote: cold }]\nstages:\n  size: { cmd: "wc -c < big.csv > size.txt", deps: [big.csv], outs: [{ size.txt: { push: false } }] }\n',
    'big.csv': '1,2\n',
    'remotes.yaml': 'remotes:\n  cold: { url: backup }\n  other: { url: remote }\n',
  });
  succeeded(await rig.lockstep(['push', 'big.csv']));
  const clone = cloneWithCold(rig, ['big.csv', 'size.txt']);
  const ran = succeeded(await clone.lockstep(['repro', '--pull']));
  assert.doesNotMatch(ran.stderr, /warning/);
  assert.equal(clone.read('big.csv'), '1,2\n');
});
