import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import test from 'node:test';
import { createPhases } from '../../src/commands/phases.ts';
import { createRig } from '../rig.ts';

const FILES = {
  'pipeline.yaml': `name: demo
stages:
  copy:
    cmd: cat in.txt > copy.txt
    deps: [in.txt]
    outs: [copy.txt]
  count:
    cmd: printf '{"lines":2}' > lines.json
    deps: [copy.txt]
    outs: [{ lines.json: { metric: true } }]
    gates: { lines.json: { lines: { min: 1 } } }
`,
  'in.txt': 'one\ntwo\n',
};

const TIME =
  /^time \d+(\.\d)?m?s: start \d+(\.\d)?m?s, read \d+ms, plan \d+ms, execute \d+(\.\d)?m?s, record \d+ms$/;

test('-v tells what went as expected and where the time went, and leaves stdout alone', async () => {
  const rig = createRig(FILES);
  const plain = await rig.lockstep(['repro']);
  assert.equal(plain.code, 0, plain.stderr);
  assert.doesNotMatch(plain.stderr, /gate|^time /m);
  rig.remove('lines.json');
  const verbose = await rig.lockstep(['-v', 'repro']);
  assert.equal(verbose.code, 0, verbose.stderr);
  assert.match(verbose.stderr, /^copy +fresh/m);
  assert.match(verbose.stderr.trimEnd().split('\n').at(-1) ?? '', TIME);
  assert.equal(verbose.stdout, '');
  const status = await rig.lockstep(['status', '--verbose', '--json']);
  for (const line of status.stdout.trimEnd().split('\n')) JSON.parse(line);
  assert.match(status.stderr.trimEnd(), TIME);
});

test('-v shows the gates that held', async () => {
  const rig = createRig(FILES);
  const ran = await rig.lockstep(['repro', '-v']);
  assert.equal(ran.code, 0, ran.stderr);
  assert.match(ran.stderr, /gate +lines must be >= 1: it is 2/);
});

test('the times are told when the command fails, too', async () => {
  const rig = createRig(FILES);
  const ran = await rig.lockstep(['repro', 'nothing-of-that-name', '-v']);
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /^time .*read \d+ms/m);
});

test('time within a phase that another one began counts for the inner one only', async () => {
  let now = 100;
  const phases = createPhases(() => now);
  await phases.time('read', async () => {
    now += 20;
  });
  await phases.time('execute', async () => {
    now += 5;
    await phases.time('plan', async () => {
      now += 300;
    });
    now += 7;
    await assert.rejects(
      phases.time('record', async () => {
        now += 40;
        throw new Error('full disk');
      }),
    );
    now += 1;
  });
  now += 27;
  assert.equal(
    phases.format(),
    'time 500ms: start 100ms, read 20ms, plan 300ms, execute 13ms, record 40ms\n',
  );
});

interface CpuProfile {
  readonly nodes: readonly { readonly callFrame: { readonly url: string } }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
  readonly startTime: number;
  readonly endTime: number;
}

test('--profile writes a CPU profile with our own files in it, also of a command that fails', async () => {
  const rig = createRig(FILES);
  for (const [args, code] of [
    [['--profile', 'good.cpuprofile', 'repro'], 0],
    [['repro', 'no-such-stage', '--profile', 'bad.cpuprofile'], 2],
  ] as const) {
    const ran = await rig.lockstep(args);
    assert.equal(ran.code, code, ran.stderr);
  }
  for (const file of ['good.cpuprofile', 'bad.cpuprofile']) {
    const profile = JSON.parse(rig.read(file)) as CpuProfile;
    assert.ok(profile.endTime > profile.startTime);
    assert.ok(profile.samples.length > 0);
    assert.equal(profile.samples.length, profile.timeDeltas.length);
    assert.ok(profile.nodes.some(({ callFrame }) => /\/(src|dist)\/.*\.[jt]s$/.test(callFrame.url)));
  }
});

test('a profile that could not be written or shown is refused before anything runs', async () => {
  const rig = createRig(FILES);
  const ending = await rig.lockstep(['repro', '--profile', 'x.json']);
  assert.equal(ending.code, 2);
  assert.equal(
    ending.stderr,
    'error[cli.value]: "--profile" takes a file that ends in ".cpuprofile", not "x.json"\n' +
      ' = hint: for example --profile repro.cpuprofile\n',
  );
  const folder = await rig.lockstep(['repro', '--profile', 'none/x.cpuprofile']);
  assert.equal(folder.code, 2);
  assert.match(
    folder.stderr,
    /^error\[profile\.unwritable\]: "none\/x\.cpuprofile" cannot be written \(ENOENT\)/,
  );
  assert.equal(existsSync(rig.path('copy.txt')), false);
});
