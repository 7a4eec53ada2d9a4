import assert from 'node:assert/strict';
import { statSync, utimesSync } from 'node:fs';
import test from 'node:test';
import { createRig } from './rig.ts';
import type { Rig } from './rig.ts';

// What FAT, exFAT, NTFS, shares and much that is mounted through FUSE do, done to the calls of the command: no machine can be relied on to
// mount one.

/** A preloaded text that changes what the named functions of `node:fs` give, for files of the project. */
function fileSystem(changes: string): Record<string, string> {
  const code = `import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const real = { ...fs };
const fail = (code) => { throw Object.assign(new Error(code), { code, syscall: 'chmod' }); };
const onStats = (change) => {
  for (const name of ['lstatSync', 'statSync', 'fstatSync'])
    fs[name] = (...args) => {
      const stats = real[name](...args);
      if (stats?.isFile()) change(stats);
      return stats;
    };
};
${changes}
syncBuiltinESMExports();`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
}

/** Of a share: no file takes another mode. */
const refusing = (code: string): Record<string, string> =>
  fileSystem(`fs.chmodSync = fs.fchmodSync = () => fail('${code}');`);

/** Of FAT and NTFS: a mode is taken and forgotten, and each file may be executed. */
const FORGETTING = fileSystem(
  `fs.chmodSync = fs.fchmodSync = () => {};
onStats((stats) => { stats.mode |= 0o777; });`,
);

const PROJECT = {
  'pipeline.yaml': `stages:
  make:
    cmd: mkdir out && cat in.txt > out/a && cat in.txt > out/b
    deps: [in.txt]
    outs: [out]
  run:
    cmd: cat out/a > text && cat out/b > run.sh && chmod +x run.sh
    deps: [out]
    outs: [text, run.sh]
`,
  'in.txt': 'echo\n',
  'remotes.yaml': 'remotes:\n  origin: { url: shelf }\n',
};

async function ends(rig: Rig, args: readonly string[], env: Record<string, string>): Promise<string> {
  const ran = await rig.lockstep(args, { env });
  assert.equal(ran.code, 0, `${args.join(' ')}: ${ran.stderr}`);
  return ran.stdout;
}

for (const code of ['EPERM', 'ENOSYS', 'ENOTSUP'])
  test(`where a mode is refused with ${code} a project runs, travels and comes back; nothing is shared that could be written to`, async () => {
    const rig = createRig(PROJECT);
    rig.write('shelf/.keep', '');
    const env = refusing(code);
    for (const args of [['repro'], ['push'], ['verify', '--read-data']]) await ends(rig, args, env);
    assert.equal(statSync(rig.path('out/a')).nlink, 1);
    for (const path of ['.lockstep', 'out', 'text']) rig.remove(path);
    await ends(rig, ['pull'], env);
    assert.deepEqual([rig.read('out/a'), rig.read('text')], ['echo\n', 'echo\n']);
    assert.equal(statSync(rig.path('out/a')).nlink, 1);
    assert.match(await ends(rig, ['doctor'], env), /^warn {2}rights {4}files keep no rights here/m);
  });

test('where each file may be executed, what pipeline.lock says of that stands, and new outs are no programs', async () => {
  const rig = createRig(PROJECT);
  rig.write('shelf/.keep', '');
  for (const args of [['repro'], ['push']]) await ends(rig, args, {});
  const lock = rig.read('pipeline.lock');
  assert.match(lock, /path: run\.sh\n.*\n.*\n +exec: true/);
  for (const path of ['.lockstep', 'out', 'text', 'run.sh']) rig.remove(path);
  await ends(rig, ['pull'], FORGETTING);
  const fresh = /^Everything is fresh/;
  assert.match(await ends(rig, ['status'], FORGETTING), fresh);
  for (const args of [['verify'], ['checkout'], ['repro', '--force']]) await ends(rig, args, FORGETTING);
  assert.equal(rig.read('pipeline.lock'), lock);
  assert.match(await ends(rig, ['status'], FORGETTING), fresh);
  for (const path of ['.lockstep', 'pipeline.lock']) rig.remove(path);
  await ends(rig, ['repro'], FORGETTING);
  assert.doesNotMatch(rig.read('pipeline.lock'), /exec/);
});

/**
 * Of FAT after each mount: files are numbered as they are asked for, here two by two the other way round; times are whole seconds and the
 * last change of a name is none.
 */
const renumbering = (mount: number): Record<string, string> =>
  fileSystem(
    `const numbers = new Map();
const numberOf = (ino) => {
  if (!numbers.has(ino)) numbers.set(ino, numbers.size ^ ${mount});
  return 100 + numbers.get(ino);
};
onStats((stats) => { stats.ino = numberOf(stats.ino); stats.ctimeMs = stats.mtimeMs; });
fs.statfsSync = (...args) => ({ ...real.statfsSync(...args), type: 0x4d44 });`,
  );

test('where files get other numbers with each mount, none is taken for another of its size and time', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  all: { cmd: "cat in/* > all", deps: [in], outs: [all] }\n',
  });
  for (let n = 0; n < 8; n++) {
    rig.write(`in/${n}`, `${n}`);
    utimesSync(rig.path(`in/${n}`), 1_000_000_000, 1_000_000_000);
  }
  for (const mount of [0, 1, 2, 3, 0]) {
    await ends(rig, ['repro', '--force'], renumbering(mount));
    assert.equal(rig.read('all'), '01234567');
    assert.match(await ends(rig, ['status'], renumbering(3 - mount)), /^Everything is fresh/);
  }
});
