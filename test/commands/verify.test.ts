import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { createRig } from '../rig.ts';
import type { Ran, Rig } from '../rig.ts';

const PIPELINE = `name: demo
data: [data/]
stages:
  copy:
    cmd: cat data/in.txt data/end.txt > copy.txt
    deps: [data/]
    outs: [copy.txt]
  split:
    cmd: mkdir -p parts && head -n 1 copy.txt > parts/a.txt && tail -n 1 copy.txt > parts/b.txt
    deps: [copy.txt]
    outs: [parts/]
`;

/** Three recorded artifacts: \`data\` (2 files), \`copy.txt\`, \`parts\` (2 files). */
async function madeProject(more: Readonly<Record<string, string>> = {}): Promise<Rig> {
  const rig = createRig({
    'pipeline.yaml': PIPELINE,
    'data/in.txt': 'one\ntwo\n',
    'data/end.txt': 'end\n',
    ...more,
  });
  const made = await rig.lockstep(['repro']);
  assert.equal(made.code, 0, made.stderr);
  return rig;
}

function objectOf(bytes: string): string {
  const digest = createHash('sha256').update(bytes).digest('hex');
  return `files/sha256/${digest.slice(0, 2)}/${digest.slice(2)}`;
}

/** Writes other bytes of the same length; size, times (to the nanosecond) and mode look as they did. */
function falsify(path: string): void {
  const look = (): unknown => {
    const { size, mtimeNs, mode, ino } = statSync(path, { bigint: true });
    return { size, mtimeNs, mode, ino };
  };
  const before = look();
  const like = `${path}.like`;
  writeFileSync(like, '');
  execFileSync('touch', ['-r', path, like]);
  const { mode } = statSync(path);
  const bytes = readFileSync(path);
  bytes[0] = (bytes[0] ?? 0) ^ 1;
  chmodSync(path, 0o644);
  writeFileSync(path, bytes);
  chmodSync(path, mode & 0o777);
  execFileSync('touch', ['-r', like, path]);
  rmSync(like);
  assert.deepEqual(look(), before);
}

interface Verdict {
  readonly codes: readonly string[];
  readonly problems: readonly { readonly code: string; readonly message: string; readonly hint?: string }[];
  readonly summary: Record<string, unknown>;
}

function verdictOf({ stdout }: Ran): Verdict {
  const lines = stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { type: string; problems: Verdict['problems'] });
  const problems = lines.flatMap((line) => (line.type === 'error' ? line.problems : []));
  const summary = lines.find((line) => line.type === 'verified');
  assert.ok(summary, stdout);
  return { codes: problems.map((one) => one.code).sort(), problems, summary: { ...summary } };
}

test('a whole project verifies by stat and by reading, and the summary counts objects and bytes', async () => {
  const rig = await madeProject();
  // Objects: data 2 files + manifest, copy.txt, parts 2 files (one of them has the bytes of data/end.txt) + manifest.
  const manifest = (entries: readonly [string, string][]): number =>
    `[${entries.map(([digest, name]) => `{"sha256": "${digest}", "relpath": "${name}"}`).join(', ')}]`.length;
  const hex = 'f'.repeat(64);
  const bytes =
    8 +
    4 +
    12 +
    4 +
    manifest([
      [hex, 'in.txt'],
      [hex, 'end.txt'],
    ]) +
    manifest([
      [hex, 'a.txt'],
      [hex, 'b.txt'],
    ]);
  const quick = await rig.lockstep(['verify', '--json']);
  assert.equal(quick.code, 0, quick.stderr);
  const expected = { type: 'verified', artifacts: 3, objects: 6, size: bytes, results: 0, problems: 0 };
  assert.deepEqual(verdictOf(quick).summary, expected);
  const read = await rig.lockstep(['verify', '--read-data', '--json']);
  assert.deepEqual(verdictOf(read).summary, { ...expected, results: 2 });
  const told = await rig.lockstep(['verify']);
  assert.equal(
    told.stdout,
    `Verified 3 artifacts of pipeline.lock, 6 objects, ${bytes} B (by size and time; --read-data reads every byte): all good.\n`,
  );
  assert.equal(told.stderr, '');
});

test('an object changed behind size, time and mode is found by reading, taken out, named, and healed by its hint', async () => {
  const rig = await madeProject();
  const object = join(rig.root, '.lockstep', objectOf('one\ntwo\nend\n'));
  falsify(object);
  const trusting = await rig.lockstep(['verify', '--json']);
  assert.equal(trusting.code, 0, 'by stat nothing is to be seen: that is what makes this case');
  const read = await rig.lockstep(['verify', '--read-data', '--json']);
  assert.equal(read.code, 1);
  const { codes, problems } = verdictOf(read);
  // The workspace file may be the same inode as the object (hard links) or a clone of it.
  assert.ok(['object.corrupt', 'object.corrupt,workspace.changed'].includes(codes.join()), codes.join());
  const corrupt = problems.find((one) => one.code === 'object.corrupt');
  assert.match(
    corrupt?.message ?? '',
    /^the cache object sha256:[0-9a-f]{64} .*; it belongs to "copy\.txt"$/,
  );
  // A clone in the workspace is still right, and goes into the cache again.
  assert.equal(existsSync(object), codes.length === 1);
  // A file that shares the inode of a bad object looked untouched as well; it is known for what it is now.
  if (codes.length > 1) assert.match((await rig.lockstep(['status'])).stdout, /copy\.txt is not as recorded/);
  const command = /"lockstep (repro copy[^"]*)"/.exec(corrupt?.hint ?? '')?.[1]?.split(' ') ?? ['status'];
  const healed = await rig.lockstep(command);
  assert.equal(healed.code, 0, healed.stderr);
  assert.equal(rig.read('copy.txt'), 'one\ntwo\nend\n');
  const again = await rig.lockstep(['verify', '--read-data']);
  assert.equal(again.code, 0, again.stderr);
});

test('what differs inside a folder is named, and the hint brings the recorded bytes back', async () => {
  const rig = await madeProject();
  rig.write('data/in.txt', 'one\nTWO\n');
  rig.write('data/new.txt', '');
  const ran = await rig.lockstep(['verify', 'data', '--json']);
  assert.equal(ran.code, 1);
  const [problem] = verdictOf(ran).problems;
  assert.equal(problem?.code, 'workspace.changed');
  assert.equal(
    problem?.message,
    '"data" in the workspace is not what pipeline.lock says: in.txt changed, new.txt added',
  );
  assert.equal(
    problem?.hint,
    '"lockstep checkout data" brings the recorded one back; "lockstep repro" records what is here',
  );
  assert.equal((await rig.lockstep(['checkout', 'data'])).code, 0);
  assert.equal(rig.read('data/in.txt'), 'one\ntwo\n');
  assert.equal((await rig.lockstep(['verify', '--read-data'])).code, 0);
});

test('lost objects are told for each artifact, and what the workspace has as recorded goes back into the cache', async () => {
  const rig = await madeProject();
  rmSync(rig.path('.lockstep/files'), { recursive: true });
  rig.remove('parts');
  const ran = await rig.lockstep(['verify', '--json']);
  assert.equal(ran.code, 1);
  const { codes, problems } = verdictOf(ran);
  assert.deepEqual(codes, ['object.missing', 'object.missing', 'object.missing', 'workspace.missing']);
  const hintOf = (text: string): string | undefined =>
    problems.find(({ message }) => message.includes(text))?.hint;
  assert.equal(hintOf('"data"'), '"data" in the workspace is right, and its bytes were put back');
  assert.equal(
    hintOf('bytes of "copy.txt"'),
    '"copy.txt" in the workspace is right, and its bytes were put back',
  );
  assert.equal(hintOf('"parts" is not'), '"lockstep repro split" makes it again');
  assert.equal((await rig.lockstep(['repro', 'split'])).code, 0);
  assert.equal((await rig.lockstep(['verify', '--read-data'])).code, 0);
});

test('what a frozen stage made, which nothing can make again, goes back from the workspace into the cache', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  old: { cmd: "mkdir out && echo 1 > out/a && echo x > tool && chmod +x tool", outs: [out, tool] }\n',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace('{ cmd', '{ frozen: true, cmd'));
  rig.remove('.lockstep/files');
  const ran = await rig.lockstep(['verify', '--json']);
  assert.deepEqual(
    verdictOf(ran).problems.map(({ hint }) => hint),
    ['out', 'tool'].map((path) => `"${path}" in the workspace is right, and its bytes were put back`),
  );
  assert.equal((await rig.lockstep(['verify', '--read-data'])).code, 0);
  rig.remove('out');
  assert.equal((await rig.lockstep(['checkout'])).code, 0);
  assert.equal(rig.read('out/a'), '1\n');
});

test('a past result that is not what its name says is taken out when data is read', async () => {
  const rig = await madeProject();
  const before = await rig.lockstep(['verify', '--read-data', '--json']);
  assert.equal(verdictOf(before).summary['results'], 2);
  const forged = join(rig.root, '.lockstep', 'runs', 'ab', 'c'.repeat(62));
  rig.write(`.lockstep/runs/ab/${'c'.repeat(62)}`, '{"version":1}\n');
  assert.equal((await rig.lockstep(['verify'])).code, 0);
  const read = await rig.lockstep(['verify', '--read-data', '--json']);
  assert.equal(read.code, 1);
  assert.deepEqual(verdictOf(read).codes, ['object.corrupt']);
  assert.match(
    verdictOf(read).problems[0]?.message ?? '',
    /^the past result runs\/ab\/c+ is not what its name says/,
  );
  assert.equal(existsSync(forged), false);
  assert.equal((await rig.lockstep(['verify', '--read-data'])).code, 0);
});

test('an object that nothing recorded needs is read too, and said to belong to nothing', async () => {
  const rig = await madeProject();
  const path = `.lockstep/files/sha256/ab/${'c'.repeat(62)}`;
  rig.write(path, 'other bytes');
  const part = await rig.lockstep(['verify', 'copy', '--read-data']);
  assert.equal(part.code, 0, part.stderr);
  const all = await rig.lockstep(['verify', '--read-data', '--json']);
  assert.equal(all.code, 1);
  assert.match(verdictOf(all).problems[0]?.message ?? '', /nothing refers to it$/);
  assert.equal(existsSync(rig.path(path)), false);
});

test('a remote is held against the lock by name and size, and by its bytes when data is read', async () => {
  const rig = await madeProject({ 'remotes.yaml': 'default: nas\nremotes:\n  nas: { url: nas }\n' });
  assert.equal((await rig.lockstep(['push', '--run-cache'])).code, 0);
  for (const words of [[], ['.']]) {
    const whole = await rig.lockstep(['verify', ...words, '--remote', 'nas', '--read-data', '--json']);
    assert.equal(whole.code, 0, whole.stdout);
    const { objects, results } = verdictOf(whole).summary;
    assert.deepEqual([objects, results], [6, 2], words.join());
  }

  falsify(rig.path(`nas/${objectOf('one\ntwo\n')}`));
  assert.equal((await rig.lockstep(['verify', '--remote', 'nas'])).code, 0);
  const read = await rig.lockstep(['verify', '--remote', 'nas', '--read-data', '--json']);
  assert.equal(read.code, 1);
  const [problem] = verdictOf(read).problems;
  assert.equal(problem?.code, 'remote.corrupt');
  assert.match(problem?.message ?? '', /of "data" has (other )?bytes there/);

  chmodSync(rig.path(`nas/${objectOf('one\ntwo\nend\n')}`), 0o644);
  rig.write(`nas/${objectOf('one\ntwo\nend\n')}`, 'one\n');
  rmSync(rig.path(`nas/${objectOf('one\n')}`));
  const sized = await rig.lockstep(['verify', '--remote', 'nas', '--json']);
  assert.equal(sized.code, 1);
  const messages = verdictOf(sized).problems.map((one) => one.message);
  assert.deepEqual(messages.map((text) => text.replace(/"files[^"]*"/, 'X')).sort(), [
    'the object X of "copy.txt" has 4 bytes there instead of 12 (remote "nas")',
    'the remote "nas" lacks 1 of the 3 objects of "parts"',
  ]);
});

/** A project that was pushed, and a clone that has neither its cache nor its workspace. */
async function pushedAndCloned(): Promise<{ readonly rig: Rig; readonly clone: Rig }> {
  const rig = await madeProject({ 'remotes.yaml': 'default: nas\nremotes:\n  nas: { url: nas }\n' });
  assert.equal((await rig.lockstep(['push'])).code, 0);
  const clone = createRig({
    'pipeline.yaml': PIPELINE,
    'pipeline.lock': rig.read('pipeline.lock'),
    'remotes.yaml': `default: nas\nremotes:\n  nas: { url: "${rig.path('nas')}" }\n`,
  });
  return { rig, clone };
}

test('a clone without cache and workspace can verify a remote, whose manifests it reads there', async () => {
  const { rig, clone } = await pushedAndCloned();
  const good = await clone.lockstep(['verify', '--remote', 'nas', '--json']);
  assert.equal(good.code, 0, good.stdout);
  assert.equal(verdictOf(good).summary['objects'], 6);
  assert.equal(existsSync(clone.path('.lockstep/files')), false);
  rmSync(rig.path(`nas/${objectOf('end\n')}`));
  const lacking = await clone.lockstep(['verify', '--remote', 'nas', '--json']);
  assert.equal(lacking.code, 1);
  assert.deepEqual(verdictOf(lacking).codes, ['remote.lacks', 'remote.lacks']);
  const here = await clone.lockstep(['verify', '--json']);
  assert.equal(here.code, 1);
  assert.match(verdictOf(here).problems[0]?.hint ?? '', /^"lockstep pull [^"]*" brings it back/);
});

test('a file of a folder that was cut off on the remote is found without the cache, and healed by the hint', async () => {
  const { rig, clone } = await pushedAndCloned();
  const object = `nas/${objectOf('one\ntwo\n')}`;
  chmodSync(rig.path(object), 0o644);
  rig.write(object, 'one\n');
  const ran = await clone.lockstep(['verify', '--remote', 'nas', '--json']);
  assert.equal(ran.code, 1);
  const { problems } = verdictOf(ran);
  assert.deepEqual(problems, [
    {
      code: 'remote.corrupt',
      message: 'the files of "data" have 8 bytes there instead of 12 (remote "nas")',
      hint: 'run "lockstep push data --remote nas" on a machine that has it',
    },
  ]);
  // Where the object itself is known to be wrong, it alone is told.
  const read = verdictOf(await clone.lockstep(['verify', '--remote', 'nas', '--read-data', '--json']));
  assert.deepEqual(read.codes, ['remote.corrupt']);
  assert.match(read.problems[0]?.message ?? '', /^the object "files/);
  assert.equal((await rig.lockstep(['push', 'data', '--remote', 'nas'])).code, 0);
  assert.equal((await clone.lockstep(['verify', '--remote', 'nas', '--read-data'])).code, 0);
});

test('what git keeps must be right in the workspace, but neither cache nor remote must have it', async () => {
  const rig = createRig({
    'pipeline.yaml': `name: demo
stages:
  count:
    cmd: wc -l < in.txt > count.txt
    deps: [in.txt]
    outs: [{ count.txt: { cache: false } }]
`,
    'in.txt': 'one\n',
    'remotes.yaml': 'remotes:\n  nas: { url: nas }\n',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rmSync(rig.path('.lockstep/files'), { recursive: true });
  const clean = await rig.lockstep(['verify', '--json']);
  assert.equal(clean.code, 0, clean.stdout);
  assert.equal(verdictOf(clean).summary['objects'], 0);
  assert.equal((await rig.lockstep(['verify', '--remote', 'nas'])).code, 0);
  rig.write('count.txt', '7\n');
  const edited = await rig.lockstep(['verify', '--json']);
  assert.equal(edited.code, 1);
  const [problem] = verdictOf(edited).problems;
  assert.equal(problem?.code, 'workspace.changed');
  assert.match(problem?.hint ?? '', /^"git checkout -- count\.txt" brings the committed one back/);
});

test('what no remote may have is not looked for there by the hint', async () => {
  const rig = createRig({
    'pipeline.yaml': `data: [{ path: own.txt, push: false }]
stages:
  count: { cmd: wc -l < own.txt > count.txt, deps: [own.txt], outs: [{ count.txt: { push: false } }] }
`,
    'own.txt': 'one\n',
    'remotes.yaml': 'remotes:\n  nas: { url: nas }\n',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rmSync(rig.path('.lockstep/files'), { recursive: true });
  for (const name of ['own.txt', 'count.txt']) rig.remove(name);
  const checkout = await rig.lockstep(['checkout']);
  assert.match(
    checkout.stderr,
    /"own\.txt"\n = hint: copy it from the machine that has it \("push: false"\)\n/,
  );
  assert.match(
    checkout.stderr,
    /"count\.txt"\n = hint: copy it .*, or run "lockstep repro" to make it again\n/,
  );
  const { problems } = verdictOf(await rig.lockstep(['verify', '--json']));
  assert.deepEqual(
    new Set(problems.map(({ hint }) => hint)),
    new Set([
      '"lockstep repro count" makes it again',
      'copy "own.txt" from the machine that has it: no remote does ("push: false")',
    ]),
  );
});
