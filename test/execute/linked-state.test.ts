import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { after, test } from 'node:test';
import { cloneOf, succeeded } from '../commands/projects.ts';
import { leftovers } from '../crash/state.ts';
import { createRig } from '../rig.ts';
import type { Rig } from '../rig.ts';

const SHM = '/dev/shm';

const FILES = {
  'pipeline.yaml': `stages:
  shell: { cmd: "echo a > file; mkdir -p folder; echo b > folder/x; echo a > folder/y", outs: [file, folder/] }
  module: { run: stages/m.ts, outs: { out: made/out } }
`,
  'stages/m.ts': `import { writeFileSync } from 'node:fs';
export default ({ outs }) => writeFileSync(outs.out, 'c');`,
  'remotes.yaml': 'remotes:\n  origin: { url: remote }\n',
};
const OUTS = ['file', 'folder', 'made'];

/** Lets a name of the project lead to a new folder on the other device. */
function linkAway(rig: Rig, name: string): void {
  const elsewhere = mkdtempSync(`${SHM}/lockstep-state-`);
  after(() => rmSync(elsewhere, { recursive: true, force: true }));
  symlinkSync(elsewhere, rig.path(name));
}

function assertMade(rig: Rig): void {
  const texts = ['file', 'folder/x', 'folder/y', 'made/out'].map((path) => rig.read(path));
  assert.deepEqual(texts, ['a\n', 'b\n', 'a\n', 'c']);
  assert.deepEqual(leftovers(rig.root), []);
}

for (const linked of ['.lockstep', '.lockstep/files']) {
  test(`with ${linked} on another disk outs are copied, by every command`, async (t) => {
    const rig = createRig(FILES);
    if (statSync(SHM, { throwIfNoEntry: false })?.dev === undefined) return t.skip(`there is no ${SHM}`);
    if (statSync(SHM).dev === statSync(rig.root).dev)
      return t.skip(`${SHM} is the device of the temp folder`);
    if (linked !== '.lockstep') mkdirSync(rig.path('.lockstep'));
    linkAway(rig, linked);
    succeeded(await rig.lockstep(['repro']));
    assertMade(rig);
    for (const out of OUTS) rig.remove(out);
    succeeded(await rig.lockstep(['checkout']));
    assertMade(rig);
    for (const out of OUTS) rig.remove(out);
    rig.remove('pipeline.lock');
    assert.match(succeeded(await rig.lockstep(['repro'])).stderr, /2 restored/);
    assertMade(rig);
    succeeded(await rig.lockstep(['push']));
    const clone = cloneOf(rig, OUTS);
    if (linked !== '.lockstep') mkdirSync(clone.path('.lockstep'));
    linkAway(clone, linked);
    succeeded(await clone.lockstep(['pull']));
    assertMade(clone);
  });
}

test('a cache on a disk that is not mounted, or another thing where a part of the state belongs, is no bug', async () => {
  const rig = createRig(FILES);
  succeeded(await rig.lockstep(['repro']));
  const refused = async (line: string, text: RegExp, exit: number): Promise<void> => {
    const { code, stderr } = await rig.lockstep(line.split(' '));
    assert.match(stderr, text, line);
    assert.equal(code, exit, line);
  };
  for (const linked of ['files/sha256', 'files']) {
    rig.remove(`.lockstep/${linked}`);
    symlinkSync('/nowhere/files', rig.path(`.lockstep/${linked}`));
    const text = `^error\\[path\\.special\\]: .*link that leads nowhere \\(".*/\\.lockstep/${linked}"\\)`;
    await refused('verify', new RegExp(text), 1);
  }
  rig.remove('.lockstep/files');
  rig.write('.lockstep/files', '');
  await refused('push', /^error\[path\.special\]: a part of the path is no folder/, 2);
  rig.remove('.lockstep/files');
  rig.remove('.lockstep/data');
  mkdirSync(rig.path('.lockstep/data'));
  rig.write('in', 'x');
  rig.write('pipeline.yaml', `data: [in]\n${FILES['pipeline.yaml']}`);
  await refused('repro', /^error\[path\.special\]: a folder stands where a file belongs/m, 2);
});

test('with .lockstep below another mount of the same disk outs are copied', async (t) => {
  const rig = createRig({ ...FILES, 'volume/.keep': '', 'mnt/.keep': '' });
  if (spawnSync('mount', ['--bind', rig.path('volume'), rig.path('mnt')]).status !== 0)
    return t.skip('no file system can be mounted here');
  try {
    mkdirSync(rig.path('mnt/state'));
    symlinkSync(rig.path('mnt/state'), rig.path('.lockstep'));
    succeeded(await rig.lockstep(['repro']));
    assertMade(rig);
    for (const out of OUTS) rig.remove(out);
    succeeded(await rig.lockstep(['checkout']));
    assertMade(rig);
  } finally {
    execFileSync('umount', [rig.path('mnt')]);
  }
});
