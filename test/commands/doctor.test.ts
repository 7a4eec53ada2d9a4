import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import test from 'node:test';
import { judgeStamps } from '../../src/commands/doctor/clock.ts';
import { judgeLinks, judgeNames, judgeRights, judgeSpace } from '../../src/commands/doctor/disk.ts';
import { compareInstalled } from '../../src/commands/doctor/package.ts';
import { askRemote } from '../../src/commands/doctor/remotes.ts';
import { createRig } from '../rig.ts';
import type { Rig, RunOptions } from '../rig.ts';
import { git } from './projects.ts';

const PIPELINE = `name: demo
stages:
  copy:
    cmd: cat in.txt > copy.txt
    deps: [in.txt]
    outs: [copy.txt]
  hourly:
    cmd: echo x > hourly.txt
    outs: [hourly.txt]
    refresh: { every: 1h }
`;

interface Told {
  readonly code: number | null;
  readonly checks: ReadonlyMap<
    string,
    { readonly status: string; readonly message: string; readonly cure?: string }
  >;
  readonly counts: Record<string, unknown>;
}

async function doctor(rig: Rig, args: readonly string[] = [], options: RunOptions = {}): Promise<Told> {
  const ran = await rig.lockstep(['doctor', '--json', ...args], options);
  assert.equal(ran.stderr, '');
  const lines = ran.stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string; check: string; status: string; message: string });
  const checks = new Map(lines.filter(({ type }) => type === 'check').map((line) => [line.check, line]));
  return { code: ran.code, checks, counts: { ...lines.at(-1) } };
}

/** A project that has run, in a git repository that keeps what it should. */
async function healthy(more: Readonly<Record<string, string>> = {}): Promise<Rig> {
  const rig = createRig({ 'pipeline.yaml': PIPELINE, 'in.txt': 'one\n', ...more });
  const ran = await rig.lockstep(['repro'], { env: { LOCKSTEP_NOW: '2026-03-17T10:30:00Z' } });
  assert.equal(ran.code, 0, ran.stderr);
  git(rig, 'init', '-q');
  git(rig, 'add', 'pipeline.yaml', 'pipeline.lock', 'in.txt', '.gitignore');
  return rig;
}

const NOW = { env: { LOCKSTEP_NOW: '' } };

test('a healthy project passes every check, each on a line of its own', async () => {
  const rig = await healthy();
  const { code, checks, counts } = await doctor(rig, [], NOW);
  assert.equal(code, 0);
  assert.deepEqual(
    [...checks.keys()],
    'node package pipeline lock git ignore outs space links rights names clock stamps ticks attempts temps size remotes'.split(
      ' ',
    ),
  );
  const bad = [...checks].filter(
    ([name, { status }]) => status !== 'ok' && name !== 'space' && name !== 'links',
  );
  assert.deepEqual(bad, []);
  assert.equal(counts['fail'], 0);
  const told = await rig.lockstep(['doctor'], NOW);
  assert.match(told.stdout, /^ok {4}node {6}Node \d+\.\d/);
  assert.match(told.stdout, /\n\n18 checks: .*\.\n$/);
});

test('a file that cannot be read fails its own check, and the others go on', async () => {
  const long = `${'x'.repeat(300)}.yaml`;
  for (const [name, text, check, said] of [
    ['params.yaml/x', '', 'pipeline', 'is a folder, and a file belongs there'],
    [
      'pipeline.yaml',
      `params: [${long}]\n${PIPELINE}`,
      'pipeline',
      'a name is too long for this file system',
    ],
    ['pipeline.lock/x', '', 'lock', 'is a folder, and a file belongs there'],
    ['remotes.yaml/x', '', 'remotes', 'is a folder, and a file belongs there'],
  ] as const) {
    const rig = await healthy();
    if (name.endsWith('/x')) rig.remove(name.slice(0, -2));
    rig.write(name, text);
    const { code, checks } = await doctor(rig, [], NOW);
    assert.equal(code, 1);
    const found = checks.get(check);
    assert.ok(found?.status === 'fail' && found.message.includes(said), `${name}: ${found?.message}`);
    for (const other of ['git', 'size', check === 'remotes' ? 'lock' : 'remotes'])
      assert.equal(checks.get(other)?.status, 'ok', `${name}: ${other}`);
  }
});

test('an ignored lock and outs that git tracks fail, outs that it would take are warned of, each with its cure', async () => {
  const rig = await healthy();
  rig.write('.gitignore', '*.lock\n/hourly.txt\n');
  git(rig, 'rm', '--cached', 'pipeline.lock');
  const ignored = await doctor(rig, [], NOW);
  assert.equal(ignored.code, 1);
  assert.equal(ignored.checks.get('ignore')?.status, 'fail');
  assert.match(
    ignored.checks.get('ignore')?.message ?? '',
    /^git ignores pipeline\.lock \(\.gitignore:1:\*\.lock\)/,
  );
  const open = ignored.checks.get('outs');
  assert.equal(open?.status, 'warn');
  assert.equal(open?.message, '"git add ." would take what lockstep keeps: copy.txt');
  assert.equal(open?.cure, 'write /copy.txt into .gitignore');

  rig.write('.gitignore', '/hourly.txt\n');
  git(rig, 'add', 'copy.txt');
  const tracked = await doctor(rig, [], NOW);
  assert.equal(tracked.code, 1);
  assert.equal(tracked.checks.get('ignore')?.message, 'pipeline.lock is not in git yet');
  assert.equal(tracked.checks.get('outs')?.message, 'git tracks what lockstep is to keep: copy.txt');
  assert.equal(tracked.checks.get('outs')?.cure, 'run "git rm -r --cached copy.txt" and commit');
  git(rig, 'rm', '-r', '--cached', 'copy.txt');
  rig.write('.gitignore', '/hourly.txt\n/copy.txt\n');
  git(rig, 'add', 'pipeline.lock');
  assert.equal((await doctor(rig, [], NOW)).code, 0);
});

test('of more paths than a command takes arguments doctor tells as well which git tracks', async () => {
  const folder = `${'x'.repeat(250)}/`.repeat(12);
  const data = Array.from({ length: 700 }, (_, index) => `${folder}${index}`);
  const rig = createRig({
    'pipeline.yaml': `data:\n${data.map((path) => `  - ${path}\n`).join('')}stages: {}\n`,
  });
  for (const path of data) rig.write(path, '');
  git(rig, 'init', '-q');
  git(rig, 'add', data[7] ?? '');
  const { checks } = await doctor(rig, [], NOW);
  assert.equal(checks.get('outs')?.status, 'fail');
  assert.equal(checks.get('outs')?.message, `git tracks what lockstep is to keep: ${data[7]}`);
});

test('a state folder that came with a clone is told: what it says of files and results would be believed', async () => {
  const rig = await healthy();
  git(rig, 'add', '-f', '.lockstep/memo');
  const { code, checks } = await doctor(rig, [], NOW);
  assert.equal(code, 1);
  assert.equal(checks.get('outs')?.message, 'git tracks what lockstep is to keep: .lockstep');
  assert.equal(checks.get('outs')?.cure, 'run "git rm -r --cached .lockstep" and commit');
});

test('outs that git is to keep and ignores are warned of, with the line that has to go', async () => {
  const rig = await healthy();
  assert.equal((await doctor(rig, [], NOW)).checks.has('kept'), false);
  rig.write('pipeline.yaml', PIPELINE.replace('[copy.txt]', '[{ copy.txt: { cache: false } }]'));
  const { code, checks } = await doctor(rig, [], NOW);
  assert.equal(code, 0);
  assert.equal(checks.get('kept')?.status, 'warn');
  assert.equal(checks.get('kept')?.message, 'git ignores outs that it is to keep (cache: false): copy.txt');
  assert.equal(checks.get('kept')?.cure, 'take line 1 out of .gitignore, then "git add copy.txt"');
  rig.write('.gitignore', '*.txt\n!/copy.txt\n');
  assert.equal((await doctor(rig, [], NOW)).checks.has('kept'), false);
  rig.write('.gitignore', '/copy.txt\n/hourly.txt\n');
  git(rig, 'add', '-f', 'copy.txt');
  assert.equal((await doctor(rig, [], NOW)).checks.has('kept'), false);
});

test('a repository that someone else owns is no missing one, whatever language git speaks', async () => {
  const rig = await healthy();
  const env = { GIT_TEST_ASSUME_DIFFERENT_OWNER: '1', LC_ALL: 'C.UTF-8', LANGUAGE: 'de' };
  const { checks } = await doctor(rig, [], { env });
  assert.match(checks.get('git')?.message ?? '', / refuses this folder, which someone else owns$/);
});

test('the line that has to go is named where doctor was asked, also in a project below the top of git', async () => {
  const rig = createRig({
    'p/pipeline.yaml': 'stages: { s: { cmd: "echo 1 > sub/o", outs: [{ sub/o: { cache: false } }] } }\n',
    'p/sub/.gitignore': '/o\n',
    'p/sub/o': '1\n',
  });
  git(rig, 'init', '-q');
  for (const [folder, file] of [
    ['p', 'sub/.gitignore'],
    ['p/sub', '.gitignore'],
  ] as const) {
    const { stdout } = await rig.lockstep(['-C', folder, 'doctor']);
    assert.ok(stdout.includes(`cure: take line 1 out of ${file}, then`), stdout);
  }
  rig.remove('p/sub/.gitignore');
  rig.write('.gitignore', 'o\n');
  const { stdout } = await rig.lockstep(['-C', 'p/sub', 'doctor']);
  assert.ok(stdout.includes('cure: take line 1 out of ../../.gitignore, then "git add o"'), stdout);
});

test('what a dead run left is found, and the cure that is told cleans it up', async () => {
  const rig = await healthy();
  rig.write('pipeline.yaml', PIPELINE.replace('cat in.txt', 'echo be""gun; sleep 60; cat in.txt'));
  const dying = rig.start(['repro', 'copy']);
  await dying.seen('begun');
  dying.process.kill('SIGKILL');
  const { pid } = dying.process;
  rig.write(`.lockstep/files/.incoming/3/.${pid}-1.0.tmp`, 'half an object');
  const before = await doctor(rig, [], NOW);
  assert.equal(before.code, 0);
  assert.match(before.checks.get('attempts')?.message ?? '', /^a run died during "copy"/);
  assert.equal(before.checks.get('temps')?.status, 'warn');
  assert.equal((await rig.lockstep(['checkout'])).code, 0);
  const after = await doctor(rig, [], NOW);
  assert.deepEqual([after.checks.get('attempts')?.status, after.checks.get('temps')?.status], ['ok', 'ok']);
});

test('what dead runs left without a record is named, and the command that is told removes just that', async () => {
  const rig = await healthy();
  const dead = `${process.pid}-0`;
  const left = [`.${dead}.3.tmp`, `.lockstep/files/.${dead}.2.tmp`, `.lockstep/staging/${dead}.1`];
  for (const path of left.slice(0, 2)) rig.write(path, 'half');
  rig.write(`${left[2]}/outs/data/.${dead}.4.tmp`, 'whole');
  // These are someone's own, whatever they are called.
  const own = [`.lockstep/failed/copy/.${dead}.5.tmp`, `.lockstep/failed/copy/2024-01.5`, '2024-01.5'];
  for (const path of own) rig.write(path, 'mine');
  const temps = (await doctor(rig, [], NOW)).checks.get('temps');
  assert.equal(temps?.status, 'warn');
  assert.equal(temps?.message, '3 temporary files or folders of runs that died, 13 B');
  assert.equal(temps?.cure, '"lockstep verify" sweeps them, as does every repro that has work');
  assert.equal((await rig.lockstep(['verify'])).code, 0);
  assert.equal((await doctor(rig, [], NOW)).checks.get('temps')?.status, 'ok');
  assert.deepEqual(
    left.filter((path) => existsSync(rig.path(path))),
    [],
  );
  for (const path of own) assert.equal(rig.read(path), 'mine');
});

test('what may be of a run that is at work, in another container perhaps, is not taken for that of a dead one', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages: { s: { cmd: "echo ready; cat go > out", outs: [out] } }\n',
  });
  execFileSync('mkfifo', [rig.path('go')]);
  const running = rig.start(['repro', '--json']);
  await running.seen('"ready\\n"');
  const dead = `${process.pid}-0`;
  rig.write(`.lockstep/attempts/${dead}.1.ndjson`, '{');
  rig.write(`.lockstep/.${dead}.2.tmp`, 'half');
  const statuses = async (): Promise<readonly unknown[]> => {
    const { checks } = await doctor(rig, [], NOW);
    return ['attempts', 'temps'].map((name) => checks.get(name)?.status);
  };
  assert.deepEqual(await statuses(), ['ok', 'ok']);
  writeFileSync(rig.path('go'), '');
  assert.equal((await running.ended).code, 0);
  assert.deepEqual(await statuses(), ['warn', 'warn']);
});

test('a machine without git is warned of, and everything else is looked at all the same', async () => {
  const rig = await healthy();
  const { code, checks } = await doctor(rig, [], { env: { ...NOW.env, PATH: rig.path('nowhere') } });
  assert.equal(code, 0);
  assert.deepEqual(checks.get('git'), {
    type: 'check',
    check: 'git',
    status: 'warn',
    message: 'git is not installed; pipeline.lock is meant to be kept in it',
    cure: 'install git (https://git-scm.com/downloads)',
  });
  assert.equal(checks.has('outs'), false);
  assert.equal(checks.get('size')?.status, 'ok');
});

test('git that waits for ever is left behind after ten seconds, and everything else is looked at all the same', async () => {
  const rig = await healthy();
  rig.remove('.gitignore');
  execFileSync('mkfifo', [rig.path('.gitignore')]);
  const { code, checks } = await doctor(rig, [], NOW);
  assert.equal(code, 1);
  const { status, message } = checks.get('git') ?? {};
  assert.deepEqual([status, message], ['fail', '"git check-ignore" did not answer within 10 s']);
  assert.equal(checks.get('temps')?.status, 'ok');
});

test('a clock behind the recorded ticks, and one that is set by hand, are warned of', async () => {
  const rig = await healthy();
  const set = await doctor(rig, [], { env: { LOCKSTEP_NOW: '2001-09-09T01:46:40Z' } });
  assert.equal(set.code, 0);
  assert.match(set.checks.get('now')?.message ?? '', /as of 2001-09-09T01:46:40\.000Z$/);
  assert.equal(set.checks.get('ticks')?.status, 'warn');
  assert.match(set.checks.get('ticks')?.message ?? '', /stage "hourly" \(2026-03-17T10:00:00\.000Z\)/);
  rig.write('pipeline.yaml', rig.read('pipeline.yaml').replace('every: 1h', 'every: 7d'));
  const other = await doctor(rig, [], { env: { LOCKSTEP_NOW: '2001-09-09T01:46:40Z' } });
  assert.equal(other.checks.get('ticks')?.status, 'ok', 'the tick is of another schedule, and is not kept');
  assert.equal(judgeStamps(1500).status, 'ok');
  assert.match(judgeStamps(-90_000).message, /stamped 1m 30s before this machine's time$/);
});

test('remotes are told by their settings, and asked only when wanted', async () => {
  const rig = await healthy({
    'remotes.yaml': `default: nas
remotes:
  nas: { url: nas }
  secret: { url: "s3://bucket/x", access_key_id: "\${env:NO_SUCH_VARIABLE_HERE}" }
`,
  });
  const told = await rig.lockstep(['doctor'], NOW);
  assert.equal(told.code, 1);
  assert.match(told.stdout, /^ok {4}remote {4}nas \(nas, default\) is configured/m);
  assert.match(told.stdout, /^fail {2}remote {4}.*NO_SUCH_VARIABLE_HERE.*\n {6}= cure: /m);
  assert.match(told.stdout, /\n19 checks: 1 failed, (\d warnings?, )?\d+ ok\.\n$/);
  rig.write('remotes.yaml', 'remotes:\n  nas: { url: nas }\n');
  assert.equal((await rig.lockstep(['push'])).code, 0);
  const asked = await rig.lockstep(['doctor', '--remotes'], NOW);
  assert.equal(asked.code, 0, asked.stdout);
  assert.match(asked.stdout, /^ok {4}remote {4}nas \(nas\) answered in \d+ms$/m);
  rig.write('remotes.yaml', 'remotes: [\n');
  const broken = await doctor(rig, [], NOW);
  assert.equal(broken.code, 1);
  assert.equal(broken.checks.get('remotes')?.status, 'fail');
});

test('a remote that never answers is left behind after ten seconds', async () => {
  let slept = 0;
  let signalled: AbortSignal | undefined;
  const check = await askRemote('deaf (s3://bucket)', {
    clock: {
      now: () => 0,
      sleep: async (ms) => {
        slept = ms;
      },
    },
    signal: new AbortController().signal,
    ask: (signal) => {
      signalled = signal;
      return new Promise(() => undefined);
    },
  });
  assert.equal(slept, 10_000);
  assert.equal(check.status, 'fail');
  assert.equal(check.message, 'deaf (s3://bucket) did not answer within 10 s');
  assert.equal(signalled?.aborted, true);
});

test('files that cannot be read are told, and everything else is looked at all the same', async () => {
  const rig = await healthy();
  rig.write('pipeline.yaml', 'name: demo\nstagess: {}\n');
  rig.write('pipeline.lock', '<<<<<<< ours\n');
  const { code, checks } = await doctor(rig, [], NOW);
  assert.equal(code, 1);
  assert.deepEqual([checks.get('pipeline')?.status, checks.get('lock')?.status], ['fail', 'fail']);
  assert.equal(checks.get('size')?.status, 'ok');
  rig.remove('pipeline.yaml');
  const none = await doctor(rig, [], NOW);
  assert.equal(none.code, 1);
  assert.equal(none.checks.get('project')?.status, 'fail');
});

test('room on the disk is judged by bytes and by files, links and names by what works', () => {
  const MIB = 1024 * 1024;
  assert.equal(judgeSpace(2048 * MIB, undefined).status, 'ok');
  assert.equal(judgeSpace(2048 * MIB, 20_000).message, '2 GiB free, room for 20,000 files');
  assert.equal(judgeSpace(2048 * MIB, 9000).status, 'warn');
  assert.equal(judgeSpace(2048 * MIB, 0).status, 'fail');
  assert.equal(judgeSpace(500 * MIB, undefined).status, 'warn');
  assert.equal(judgeSpace(10 * MIB, undefined).status, 'fail');
  assert.equal(judgeLinks('reflink').status, 'ok');
  assert.equal(judgeLinks('hardlink').status, 'ok');
  assert.match(judgeLinks('copy').cure ?? '', /file system/);
  assert.deepEqual([judgeRights(true).status, judgeRights(false).status], ['ok', 'warn']);
  assert.equal(judgeNames([]).message, 'names that differ in case or Unicode form are different files');
  assert.equal(
    judgeNames(['case', 'Unicode form']).message,
    'names that differ in case or Unicode form only are one file here; folders that hold both are refused',
  );
});

test('packages that are missing, and those of another version than is pinned, are named', () => {
  const rig = createRig();
  const install = (name: string, version: string): void => {
    mkdirSync(rig.path(`node_modules/${name}`), { recursive: true });
    writeFileSync(rig.path(`node_modules/${name}/package.json`), JSON.stringify({ name, version }));
  };
  install('good', '1.2.3');
  install('@scope/old', '1.0.0');
  install('ranged', '4.1.0');
  const dependencies = {
    good: '1.2.3',
    '@scope/old': '2.0.0',
    ranged: '^4.0.0',
    'no-such-package-here': '1.0.0',
  };
  assert.deepEqual(compareInstalled(rig.path('deep/below'), dependencies), {
    missing: ['no-such-package-here'],
    other: ['@scope/old 1.0.0 instead of 2.0.0'],
  });
});
