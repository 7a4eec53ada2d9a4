import assert from 'node:assert/strict';
import { existsSync, readdirSync, renameSync, symlinkSync, unlinkSync } from 'node:fs';
import test from 'node:test';
import { leftovers } from '../crash/state.ts';
import { createRig } from '../rig.ts';
import { problemOf } from './tools.ts';

test('an out path that is, or lies behind, a symbolic link is refused before anything runs', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  is:
    cmd: touch ran; echo x > link
    outs: [link]
  behind:
    cmd: touch ran; echo x > folder/x
    outs: [folder/x]
`,
    'real/target': 'keep',
  });
  symlinkSync('real/target', rig.path('link'));
  symlinkSync('real', rig.path('folder'));
  const ran = await rig.lockstep(['repro', '--json', '-k']);
  assert.equal(ran.code, 1);
  assert.deepEqual(
    [problemOf(ran, 'is'), problemOf(ran, 'behind')].map(({ code, message }) => [code, message]),
    [
      ['out.linked', '"link" is a symbolic link'],
      ['out.linked', '"folder/x" lies behind "folder", which is a symbolic link'],
    ],
  );
  assert.equal(rig.read('real/target'), 'keep');
  assert.deepEqual(readdirSync(rig.path('real')), ['target']);
  assert.equal(existsSync(rig.path('ran')), false);
});

test('a stage that puts a link where the folder of its out was fails, and nothing is moved through the link', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  s: { cmd: "rm -r d; ln -s elsewhere d; cp d/o d/p", outs: [d/o, d/p] }\n',
    'd/o': 'old',
    'elsewhere/o': 'mine',
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(ran.code, 1);
  const { code, message, hint = '' } = problemOf(ran, 's');
  assert.deepEqual([code, message], ['out.linked', '"d/o" lies behind "d", which is a symbolic link']);
  assert.match(hint, /\("rm \/\S+\/d"\); its old outs are not back yet, the next command tries again/);
  assert.equal(rig.read('elsewhere/o'), 'mine');
  assert.equal(existsSync(rig.path('pipeline.lock')), false);
  const again = await rig.lockstep(['checkout']);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /^error\[out\.linked\]: "d\/o" lies behind "d"/);
  unlinkSync(rig.path('d'));
  assert.equal((await rig.lockstep(['checkout'])).code, 0);
  assert.equal(rig.read('d/o'), 'old');
  assert.deepEqual(leftovers(rig.root), []);
});

test('a stage that puts a file where the folder of its out was fails, and its old out is back when the file is gone', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  s: { cmd: "rm -r d; echo x > d", outs: [d/o] }\n',
    'd/o': 'old',
  });
  const { code, hint = '' } = problemOf(await rig.lockstep(['repro', '--json']), 's');
  assert.equal(code, 'out.missing');
  assert.match(hint, /old outs are not back yet, the next command tries again: "d\/o" lies behind "d"/);
  const again = await rig.lockstep(['checkout']);
  assert.equal(again.code, 2);
  assert.match(again.stderr, /^error\[out\.blocked\]: "d\/o" lies behind "d", which is no folder\n/);
  unlinkSync(rig.path('d'));
  assert.equal((await rig.lockstep(['checkout'])).code, 0);
  assert.equal(rig.read('d/o'), 'old');
  assert.deepEqual(leftovers(rig.root), []);
});

test('a folder that has become a link while a module ran is not written through', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  s:\n    run: m.ts\n    hermetic: false\n    retry: { attempts: 3 }\n    outs: { o: d/o }\n',
    'm.ts': `import * as fs from 'node:fs';
export default ({ outs }) => {
  fs.writeFileSync(outs.o, 'new');
  fs.renameSync('d', 'was');
  fs.symlinkSync('elsewhere', 'd');
};`,
    'd/o': 'old',
    'elsewhere/o': 'mine',
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(ran.code, 1);
  assert.equal(problemOf(ran, 's').code, 'out.linked');
  assert.equal(rig.read('elsewhere/o'), 'mine');
  assert.equal(rig.read('was/o'), 'old');
  unlinkSync(rig.path('d'));
  renameSync(rig.path('was'), rig.path('d'));
  assert.equal((await rig.lockstep(['checkout'])).code, 0);
  assert.equal(rig.read('d/o'), 'old');
  assert.deepEqual(leftovers(rig.root), []);
});
