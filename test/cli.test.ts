import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';
import { formatCommandHelp } from '../src/commands/help.ts';
import { COMMANDS } from '../src/commands/index.ts';
import { FILES, createDemo, jsonOf, succeeded } from './commands/projects.ts';
import { CLI, REPOSITORY, cleanEnv, createRig } from './rig.ts';

test('help names every command with its summary, and needs no project', async () => {
  const rig = createRig();
  const { stdout } = succeeded(await rig.lockstep(['--help']));
  for (const name of COMMANDS.keys()) assert.match(stdout, new RegExp(`^  ${name} +[A-Z]`, 'm'));
  for (const line of ['help', '-h', '--json --help', '-C . --help'])
    assert.equal(succeeded(await rig.lockstep(line.split(' '))).stdout, stdout, line);
});

test('without a word the help goes to standard error and the exit code is 2', async () => {
  const ran = await createRig().lockstep([]);
  assert.equal(ran.code, 2);
  assert.equal(ran.stdout, '');
  assert.match(ran.stderr, /^lockstep: /);
});

test('the help of a command shows its usage, each of its flags and an example, and fits 120 columns', async () => {
  for (const [name, load] of COMMANDS) {
    const { default: command } = await load();
    const text = formatCommandHelp(name, command);
    assert.match(text, new RegExp(`^Usage: lockstep ${name}`, 'm'));
    assert.match(text, new RegExp(`^Examples:\n(.*\n)*  .*lockstep ${name}`, 'm'), name);
    for (const [flag, { help }] of Object.entries(command.flags))
      assert.ok(text.includes(`--${flag}`) && text.includes(help), `${name} --${flag}`);
    for (const line of text.split('\n')) assert.ok(line.length <= 120, line);
    if (name !== 'push') continue;
    const rig = createRig();
    for (const words of [
      ['help', 'push'],
      ['push', '--help'],
      ['push', 'x', '-h'],
    ])
      assert.equal(succeeded(await rig.lockstep(words)).stdout, text);
  }
});

test('the version is the one of the package', async () => {
  const { version } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as {
    version: string;
  };
  assert.equal((await createRig().lockstep(['--version'])).stdout, `${version}\n`);
});

const REFUSED: readonly (readonly [string, string])[] = [
  ['statsu', 'error[cli.unknown-command]: there is no command "statsu"\n = hint: did you mean "status"?\n'],
  [
    'frobnicate',
    'error[cli.unknown-command]: there is no command "frobnicate"\n = hint: see "lockstep --help"\n',
  ],
  ['help pusj', 'error[cli.unknown-command]: there is no command "pusj"\n = hint: did you mean "push"?\n'],
  [
    'repro --dry-ran',
    'error[cli.unknown-flag]: "lockstep repro" has no flag "--dry-ran"\n = hint: did you mean "--dry-run"?\n',
  ],
  ['gc -x', 'error[cli.unknown-flag]: "lockstep gc" has no flag "-x"\n = hint: see "lockstep gc --help"\n'],
  [
    'push --remote',
    'error[cli.value]: "--remote" needs a value: --remote NAME\n = hint: see "lockstep push --help"; a value that begins with "-" is written --remote=VALUE\n',
  ],
  [
    'status --quiet=yes',
    'error[cli.value]: "--quiet" takes no value\n = hint: see "lockstep status --help"\n',
  ],
  [
    'gc everything',
    'error[cli.arguments]: "lockstep gc" does not know what to do with "everything"\n = hint: see "lockstep gc --help"\n',
  ],
  [
    'remote list all',
    'error[cli.arguments]: "lockstep remote" does not know what to do with "all"\n = hint: see "lockstep remote --help"\n',
  ],
  [
    'remote ad x y',
    'error[cli.arguments]: "lockstep remote" does not know what to do with "ad"\n = hint: did you mean "add"?\n',
  ],
  [
    'status --wait soon',
    'error[cli.value]: "--wait" takes a number of seconds, not "soon"\n = hint: for example --wait 300\n',
  ],
  [
    'repro --jobs 0',
    'error[cli.value]: "--jobs" takes a whole number from 1 to 1024, not "0"\n = hint: for example --jobs 2\n',
  ],
  [
    'push --jobs 1e2',
    'error[cli.value]: "--jobs" takes a whole number from 1 to 1024, not "1e2"\n = hint: for example --jobs 2\n',
  ],
  [
    'watch --jobs x',
    'error[cli.value]: "--jobs" takes a whole number from 1 to 1024, not "x"\n = hint: for example --jobs 2\n',
  ],
  [
    'commit ',
    'error[cli.arguments]: an empty word is given to "lockstep commit"\n = hint: a variable that stands there may be unset\n',
  ],
  [
    'pull --for ',
    'error[cli.value]: "--for" has an empty value\n = hint: a variable that stands there may be unset\n',
  ],
  [
    '-C  gc --delete',
    'error[cli.value]: "--dir" has an empty value\n = hint: a variable that stands there may be unset\n',
  ],
  [
    'dag --single --downstream copy',
    'error[cli.arguments]: "--downstream" and "--single" exclude each other\n = hint: keep one of them\n',
  ],
  ['repro cuont', 'error[stage.unknown]: there is no stage "cuont"\n = hint: did you mean "count"?\n'],
  [
    'push -r orign',
    'error[remote.unknown]: there is no remote "orign" in remotes.yaml\n = hint: did you mean "origin"?\n',
  ],
];

test('what was mistyped is named with a suggestion, exit 2, and nothing is touched', async () => {
  const rig = createRig({ ...FILES, 'remotes.yaml': 'remotes:\n  origin: { url: remote }\n' });
  await Promise.all(
    REFUSED.map(async ([line, text]) => {
      const ran = await rig.lockstep(line.split(' '));
      assert.equal(ran.stderr, text);
      assert.equal(ran.stdout, '');
      assert.equal(ran.code, 2, line);
    }),
  );
  assert.throws(() => rig.read('pipeline.lock'));
});

test('a module that is not there is told where its path is written', async () => {
  const rig = createRig({ 'pipeline.yaml': 'stages:\n  a:\n    run: a.ts\n    outs: [a]\n' });
  assert.match(
    (await rig.lockstep(['status'])).stderr,
    /^error\[code\.missing\].*\n --> pipeline\.yaml:3:10\n/,
  );
});

test('an exchange without a calendar is told where it is written', async () => {
  const text = 'stages:\n  a:\n    cmd: go\n    outs: [a]\n    refresh:\n      session: XLON\n';
  const ran = await createRig({ 'pipeline.yaml': text }).lockstep(['status']);
  assert.match(ran.stderr, /^error\[refresh\.exchange\].*\n --> pipeline\.yaml:6:16\n/);
  assert.equal(ran.code, 2);
});

test('with --json an error is one JSON value on standard output', async () => {
  const rig = createRig(FILES);
  const ran = await rig.lockstep(['--json', 'repro', 'cuont']);
  assert.equal(ran.code, 2);
  assert.deepEqual(jsonOf(ran), [
    {
      type: 'error',
      problems: [
        { code: 'stage.unknown', message: 'there is no stage "cuont"', hint: 'did you mean "count"?' },
      ],
    },
  ]);
  assert.equal(ran.stderr, '');
});

test('with --json every command prints one JSON value per line and nothing else', async () => {
  const rig = await createDemo();
  const lines = [
    'status',
    'repro --force copy',
    'repro --dry-run --force',
    'dag',
    'log',
    'push --run-cache',
    'status --remote',
    'fetch --run-cache',
    'pull',
    'checkout',
    'commit',
    'gc',
    'remote list',
    'remote add other ../other',
  ];
  for (const line of lines) {
    const ran = succeeded(await rig.lockstep([...line.split(' '), '--json']));
    assert.ok(jsonOf(ran).length > 0, line);
    assert.equal(ran.stderr, '', line);
  }
  const [row] = jsonOf(await rig.lockstep(['log', '--json']));
  const run = jsonOf(await rig.lockstep(['log', String(row?.['run']), '--json']));
  assert.equal(run.at(-1)?.['type'], 'run-finished');
  const fresh = createRig();
  assert.equal(jsonOf(await fresh.lockstep(['init', '--json'])).length, 1);
});

test('a whole number that no double holds keeps its digits in --json', async () => {
  const rig = await createDemo({ 'params.yaml': 'width: 1\n' });
  rig.write('params.yaml', 'width: 12345678901234567891\n');
  assert.match(succeeded(await rig.lockstep(['status', '--json'])).stdout, /"to":12345678901234567891[,}]/);
  succeeded(await rig.lockstep(['repro']));
  const [row] = jsonOf(await rig.lockstep(['log', '--json']));
  const { stdout } = succeeded(await rig.lockstep(['log', String(row?.['run']), '--json']));
  assert.match(stdout, /"to":12345678901234567891[,}]/);
});

test('a command works from below the root, and with -C from anywhere', async () => {
  const rig = await createDemo();
  const other = createRig();
  rig.write('deep/er/note.txt', '');
  const fresh = 'Everything is fresh: 3 stages, nothing to do.\n';
  assert.equal((await rig.lockstep(['status'], { cwd: 'deep/er' })).stdout, fresh);
  assert.equal((await other.lockstep(['-C', rig.root, 'status'])).stdout, fresh);
  assert.equal((await other.lockstep(['status', '-C', rig.root])).stdout, fresh);
  assert.equal((await other.lockstep(['-vC', rig.root, 'status'])).stdout, fresh);
  assert.equal((await other.lockstep(['-C', rig.path('deep'), 'status'])).stdout, fresh);
});

test('outside a project, and with -C to no folder, the error says what to do', async () => {
  const rig = createRig();
  await Promise.all(
    [...COMMANDS.keys()].map(async (name) => {
      if (['init', 'doctor', 'completion'].includes(name)) return;
      const ran = await rig.lockstep([name]);
      assert.equal(ran.code, 2, name);
      assert.equal(
        ran.stderr,
        `error[project.none]: there is no pipeline.yaml in "${rig.root}" or above it\n` +
          ' = hint: go to your project (or name it with -C), or start one with "lockstep init"\n',
      );
    }),
  );
  rig.write('pipeline.yml', '');
  assert.ok(
    (await rig.lockstep(['status'])).stderr.endsWith(
      ` = hint: rename "${rig.path('pipeline.yml')}" to pipeline.yaml\n`,
    ),
  );
  const ran = await rig.lockstep(['-C', 'nowhere', 'status']);
  assert.equal(ran.code, 2);
  assert.match(ran.stderr, /^error\[cli\.dir\]: there is no folder ".*nowhere"\n/);
});

test('where the current folder is gone the error says what to do, and -C still works', async () => {
  const rig = await createDemo();
  const run = (words: string): { status: number | null; stdout: string; stderr: string } => {
    const line = `mkdir gone && cd gone && rmdir ../gone && exec "$@" ${words}`;
    const options = { cwd: rig.root, env: cleanEnv(), encoding: 'utf8' } as const;
    return spawnSync('sh', ['-c', line, 'sh', process.execPath, CLI], options);
  };
  for (const words of ['status', '-C . status']) {
    const { status, stderr } = run(words);
    assert.deepEqual(
      [status, stderr],
      [
        2,
        'error[cli.dir]: the current folder is not there any more\n' +
          ' = hint: go to a folder that is there, or name it in full with -C\n',
      ],
    );
  }
  const { stdout } = run(`-C "${rig.root}" status`);
  assert.equal(stdout, 'Everything is fresh: 3 stages, nothing to do.\n');
});

// A name, a parameter, a path of two lines, each with a sequence that colours, one that titles or one that turns the line.
test('a terminal obeys nothing that a project says, whichever command tells it', async () => {
  const [data, out] = ['d\u001B[31m\u202E\nout fresh', 'o\u009B2J\nx'];
  const rig = createRig({
    'pipeline.yaml': JSON.stringify({
      name: 'n\u001B]0;title\u0007',
      data: [data],
      stages: {
        s: { cmd: 'cat d* > o*; cat d* > "$(printf "o\\302\\2332J\\nx")"', deps: [data], outs: [out] },
      },
    }),
    [data]: 'x',
    'remotes.yaml': JSON.stringify({ default: 'r', remotes: { r: { url: '/none/r\u001B[31m\u2066' } } }),
  });
  const told: string[] = [];
  const tell = async (...args: readonly string[]): Promise<string> => {
    const { stdout, stderr } = await rig.lockstep(args);
    told.push(stdout + stderr);
    return stdout;
  };
  assert.match(await tell('status'), /^data d\\x1b\[31m\\u202e\\x0aout fresh is new\n/);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.remove(data);
  await tell('status');
  rig.remove(out);
  assert.match(await tell('checkout'), /^checked out o\\x9b2J\\x0ax$/m);
  for (const command of [
    'log',
    'dag',
    'verify',
    'doctor',
    'remote list',
    'remote check',
    'repro --dry-run',
    'push',
  ])
    await tell(...command.split(' '));
  assert.doesNotMatch(told.join(''), /(?!\n)[\p{Cc}\p{Bidi_Control}]/u);
});

test('a stage that fails is exit 1, a busy project exit 3 naming who holds it', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'name: a\nstages:\n  bad: { cmd: exit 7, outs: [a] }\n  slow: { cmd: "echo holding; read x < fifo", outs: [b] }\n',
  });
  assert.equal((await rig.lockstep(['repro', 'bad'])).code, 1);
  execFileSync('mkfifo', [rig.path('fifo')]);
  const holder = rig.start(['repro', 'slow']);
  await holder.seen('holding');
  const waiter = await rig.lockstep(['repro', 'bad', '--wait', '0']);
  assert.equal(waiter.code, 3);
  assert.match(
    waiter.stderr,
    /error\[mutex\.busy\]: the project is in use by "lockstep repro slow" \(process \d+\)/,
  );
  holder.process.kill('SIGINT');
  const ended = await holder.ended;
  assert.equal(ended.code, 130, ended.stderr);
});

test('a fault of our own is exit 70 with the stack, and is no crash', async () => {
  const rig = createRig(FILES);
  const broken =
    'data:text/javascript,String.prototype.padEnd=()=>{throw new TypeError("broken on purpose")}';
  const env = { NODE_OPTIONS: `--import="${broken.replaceAll('"', '%22')}"` };
  const ran = await rig.lockstep(['status'], { env });
  assert.equal(ran.code, 70);
  assert.match(
    ran.stderr,
    /^error\[internal\.bug\]: lockstep itself failed; .*\nTypeError: broken on purpose\n {4}at /,
  );
  const json = await rig.lockstep(['status', '--json', '--quiet', 'nothing'], { env });
  assert.equal(json.code, 2);
});

test('colour goes to nobody who did not ask for it, and NO_COLOR wins', async () => {
  const rig = createRig({ 'pipeline.yaml': 'name: a\nstages:\n  bad: { cmd: exit 7, outs: [a] }\n' });
  const escape = String.fromCharCode(27);
  assert.ok(!(await rig.lockstep(['repro'])).stderr.includes(escape));
  assert.ok((await rig.lockstep(['repro'], { env: { FORCE_COLOR: '1' } })).stderr.includes(escape));
  const none = await rig.lockstep(['repro'], { env: { FORCE_COLOR: '1', NO_COLOR: '1' } });
  assert.ok(!none.stderr.includes(escape));
  for (const no of ['0', 'false'])
    assert.ok(!(await rig.lockstep(['repro'], { env: { FORCE_COLOR: no } })).stderr.includes(escape), no);
});

test('a reader that goes away ends no run and crashes nothing', async () => {
  const rig = createRig(FILES);
  const child = spawn(process.execPath, [CLI, 'repro', '--json'], { cwd: rig.root, env: cleanEnv() });
  child.stdout.destroy();
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(stderr, '');
  assert.equal(code, 0);
  assert.equal((await rig.lockstep(['status', '--quiet'])).code, 0, 'all of it ran');
});

test('where output cannot be written the work is done all the same, and the exit code is not 0', async () => {
  const rig = createRig(FILES);
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [CLI, 'repro', '--json'], {
    cwd: rig.root,
    env: cleanEnv(),
    stdio: ['ignore', full, 'pipe'],
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const code = await new Promise((resolve) => child.once('close', resolve));
  closeSync(full);
  assert.equal(
    stderr,
    'error[disk.full]: the disk is full\n = hint: make room (see "lockstep gc"), then run again: nothing was lost\n',
  );
  assert.equal(code, 1);
  assert.equal((await rig.lockstep(['status', '--quiet'])).code, 0, 'all of it ran');
});

test("who starts it from an archive of Yarn's Plug'n'Play is told what to do instead", () => {
  const file = 'lockstep-data-1.zip/node_modules/lockstep-data/bin/lockstep.cjs';
  const rig = createRig({ [file]: readFileSync(CLI, 'utf8') });
  const ran = spawnSync(process.execPath, [rig.path(file), 'status'], { encoding: 'utf8' });
  assert.equal(ran.status, 2);
  assert.match(ran.stderr, /^error\[node\.pnp\]: [^\n]*\n {3}= hint: write "nodeLinker: node-modules"/);
});
