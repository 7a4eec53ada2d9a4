import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { symlinkSync, truncateSync } from 'node:fs';
import test from 'node:test';
import { createRig } from './rig.ts';

test('a folder where a file belongs is named; one where only time is saved is done without', async () => {
  const rig = createRig({ 'pipeline.yaml': 'name: a\nstages:\n  s: { cmd: "echo > o", outs: [o] }\n' });
  rig.write('.lockstep/memo/x', '');
  rig.write('.lockstep/snapshot/x', '');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  for (const name of ['pipeline.lock', 'params.yaml', 'pipeline.yaml']) {
    rig.remove(name);
    rig.write(`${name}/x`, '');
    if (name === 'params.yaml') rig.write('pipeline.yaml', 'params: [params.yaml]\nstages: {}\n');
    const ran = await rig.lockstep(['status']);
    assert.equal(ran.code, 2, ran.stderr);
    assert.equal(
      ran.stderr,
      `error[path.special]: "${rig.path(name)}" is a folder, and a file belongs there\n = hint: remove the folder, or move it away\n`,
    );
    rig.remove(name);
  }
  const file = createRig({
    'pipeline.yaml': 'stages:\n  s: { cmd: "echo > o", outs: [o] }\n',
    '.lockstep': '',
  });
  const ran = await file.lockstep(['repro']);
  assert.deepEqual(
    [ran.code, ran.stderr.split('\n')[0]],
    [2, `error[path.special]: "${file.path('.lockstep')}" is a file, and a folder belongs there`],
  );
});

// A pipe that nobody writes to: who reads it waits for ever, as for a device that never ends.
test('a link to a pipe or a device where a file belongs is named; one where only time is saved is done without', async () => {
  const rig = createRig({ 'pipeline.yaml': 'stages:\n  s: { cmd: "echo > o", outs: [o] }\n' });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  execFileSync('mkfifo', [rig.path('pipe')]);
  for (const name of ['memo', 'snapshot', 'settled', 'code', 'completion', 'data']) {
    rig.remove(`.lockstep/${name}`);
    symlinkSync(rig.path('pipe'), rig.path(`.lockstep/${name}`));
  }
  const judged = await rig.lockstep(['status']);
  assert.deepEqual([judged.code, judged.stderr], [0, '']);
  assert.equal((await rig.lockstep(['completion', '--words', '--', 'repro', ''])).stdout, 's\n');
  for (const name of ['pipeline.lock', 'params.yaml', 'remotes.yaml', 'pipeline.yaml']) {
    rig.remove(name);
    symlinkSync(rig.path('pipe'), rig.path(name));
    assert.deepEqual(await rig.lockstep([name === 'remotes.yaml' ? 'push' : 'status']), {
      code: 2,
      signal: null,
      stdout: '',
      stderr: `error[path.special]: "${rig.path(name)}" is a FIFO or device, and a file belongs there\n = hint: remove the FIFO or device, or move it away\n`,
    });
    rig.remove(name);
  }
});

test('a file that is larger than a text can be is named where it is read; one where only time is saved is done without', async () => {
  const rig = createRig({ 'pipeline.yaml': 'stages:\n  s: { cmd: "echo > o", outs: [o] }\n' });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  for (const name of ['memo', 'snapshot']) truncateSync(rig.path(`.lockstep/${name}`), 2 ** 40);
  assert.deepEqual((await rig.lockstep(['status'])).stderr, '');
  for (const name of ['.gitignore', 'pipeline.lock', 'params.yaml', 'pipeline.yaml']) {
    rig.write(name, '');
    truncateSync(rig.path(name), 2 ** 40);
    const ran = await rig.lockstep(['repro']);
    assert.deepEqual(
      [ran.code, ran.stderr.split('\n')[0]],
      [2, `error[path.too-large]: "${rig.path(name)}" has more than the 512 MiB that can be read at once`],
    );
    rig.remove(name);
  }
});

for (const [file, command] of [
  ['pipeline.yaml', 'status'],
  ['params.yaml', 'status'],
  ['pipeline.lock', 'status'],
  ['remotes.yaml', 'push'],
  ['module.ts', 'status'],
] as const) {
  test(`links that lead in a circle at ${file} are named`, async () => {
    const rig = createRig({
      'pipeline.yaml': 'stages:\n  a: { run: module.ts, outs: [a] }\n',
      'module.ts': 'export default () => {};\n',
    });
    rig.remove(file);
    symlinkSync(file, rig.path(file));
    assert.deepEqual(await rig.lockstep([command]), {
      code: 2,
      signal: null,
      stdout: '',
      stderr: `error[path.special]: symbolic links lead in a circle ("${rig.path(file)}")\n = hint: put the file itself there instead of the link\n`,
    });
  });
}
