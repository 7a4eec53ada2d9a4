import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createReadStream, existsSync, readdirSync, rmSync } from 'node:fs';
import test from 'node:test';
import { CLI, createRig, rigAt } from '../rig.ts';
import { eventsOf, makeFifo, outcomesOf, outputOf, problemOf, treeOf } from './tools.ts';

const LINUX = { skip: process.platform !== 'linux' && 'needs /proc', timeout: 60_000 };

test('output appears line by line under the name of its stage, a last line without an end included', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  one:
    cmd: printf 'first\\nsecond'; echo third >&2; echo x > one
    outs: [one]
  longer-name:
    cmd: cat one; touch two
    deps: [one]
    outs: [two]
`,
  });
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 0, ran.stderr);
  const lines = ran.stderr.split('\n');
  for (const line of [
    'one         | first',
    'one         | second',
    'one         | third',
    'longer-name | x',
  ])
    assert.ok(lines.includes(line), `${line} in\n${ran.stderr}`);
});

test('the exit code of a command is told, with its place in the pipeline', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  bad:\n    cmd: echo why >&2; exit 7\n    outs: [a]\n',
  });
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 1);
  assert.match(ran.stderr, /bad \| why/);
  assert.match(
    ran.stderr,
    /error\[stage\.failed\]: stage "bad" exited with code 7\n --> pipeline\.yaml:2:3\n/,
  );
  assert.match(ran.stderr, /hint: its output above says why/);
  rig.write('pipeline.yaml', 'stages:\n  bad:\n    cmd: |\n      exit 7\n    outs: [a]\n');
  const silent = await rig.lockstep(['repro', '--json']);
  const { hint = '' } = problemOf(silent, 'bad');
  assert.equal(hint, 'it printed nothing: "set -x" as the first line of its cmd: shows each step');
  rig.write('pipeline.yaml', 'stages:\n  bad:\n    cmd: |\n      set -x\n      exit 7\n    outs: [a]\n');
  assert.match(outputOf(await rig.lockstep(['repro', '--json']), 'bad', 'stderr'), /exit 7/);
});

test('a command that is not there gives the code 127 of the shell and its words', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  bad:\n    cmd: no-such-program-here\n    outs: [a]\n',
  });
  // Of folders that it may not look into a shell says so.
  const ran = await rig.lockstep(['repro', '--json'], { env: { PATH: '/usr/bin:/bin' } });
  assert.equal(problemOf(ran, 'bad').message, 'stage "bad" exited with code 127');
  assert.match(outputOf(ran, 'bad', 'stderr'), /no-such-program-here: not found/);
});

test('a list of commands and a script of several lines both stop at the first that fails', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  list:
    cmd:
      - echo one >> seen-list
      - exit 3
      - echo never >> seen-list
    outs: [a]
  script:
    cmd: |
      echo one >> seen-script
      false
      echo never >> seen-script
    outs: [b]
`,
  });
  const ran = await rig.lockstep(['repro', '--json', '--keep-going']);
  assert.equal(rig.read('seen-list'), 'one\n');
  assert.equal(rig.read('seen-script'), 'one\n');
  assert.equal(problemOf(ran, 'list').message, 'stage "list" exited with code 3');
  assert.equal(problemOf(ran, 'script').message, 'stage "script" exited with code 1');
});

test('wdir is where a command runs and the base of its paths; a wdir that is not there is named', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  in:
    wdir: sub/deep
    cmd: cat ../in.txt > out.txt; pwd >> out.txt
    deps: [../in.txt]
    outs: [out.txt]
  nowhere:
    wdir: not/here
    cmd: echo a > a.txt
    outs: [../a.txt]
`,
    'sub/in.txt': 'in\n',
    'sub/deep/keep': '',
  });
  const ran = await rig.lockstep(['repro', '--json', '--keep-going']);
  assert.deepEqual(outcomesOf(ran)['in'], 'ran');
  assert.equal(rig.read('sub/deep/out.txt'), `in\n${rig.path('sub/deep')}\n`);
  const problem = problemOf(ran, 'nowhere');
  assert.equal(problem.code, 'stage.wdir');
  assert.match(problem.message, /"not\/here"/);
});

test('a command has the root, its stage, a fixed zone and locale, and the rest of the environment', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  env:
    cmd: 'echo "$TZ|$LC_ALL|$LOCKSTEP_ROOT|$LOCKSTEP_STAGE|$OTHER" > out'
    outs: [out]
`,
  });
  const ran = await rig.lockstep(['repro'], { env: { OTHER: 'seen', TZ: 'Asia/Kolkata', LC_ALL: 'C' } });
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(rig.read('out'), `UTC|C.UTF-8|${rig.root}|env|seen\n`);
});

test('values of env and secrets are nowhere: not in lock, run cache, history, events or output, even split', async () => {
  const secret = 's3cr3t-value-0123456789';
  const plain = 'environment-value-9876';
  const rig = createRig({
    'pipeline.yaml': `stages:
  shell:
    cmd: |
      printf 'a %s b' "$API_TOKEN"
      printf 'split %.8s' "$API_TOKEN"; cat go; printf '%s\\n' "$API_TOKEN" | cut -c9-
      echo "$API_TOKEN" >&2
      echo "$REGION" | wc -c > out
    env: [REGION]
    secrets: [API_TOKEN]
    outs: [out]
  module:
    run: m.ts
    env: [REGION]
    secrets: [API_TOKEN]
    outs: { out: mod }
  failing:
    run: f.ts
    secrets: [API_TOKEN]
    outs: { out: never }
`,
    go: '',
    'm.ts': `import { writeFileSync } from 'node:fs';
export default ({ env, outs, log, progress }) => {
  log('log ' + env.API_TOKEN);
  console.log('out ' + env.API_TOKEN);
  progress({ done: 1, total: 2, label: 'at ' + env.API_TOKEN });
  writeFileSync(outs.out, String(env.REGION.length));
};`,
    'f.ts': `export default ({ env }) => { throw new Error('refused ' + env.API_TOKEN); };`,
  });
  const ran = await rig.lockstep(['repro', '--json', '--keep-going'], {
    env: { API_TOKEN: secret, REGION: plain },
  });
  assert.deepEqual({ ...outcomesOf(ran) }, { shell: 'ran', module: 'ran', failing: 'failed' }, ran.stderr);
  assert.equal(rig.read('mod'), String(plain.length));
  assert.match(outputOf(ran, 'shell', 'stdout'), /a \*\*\* bsplit \*\*\*\n/);
  assert.equal(outputOf(ran, 'module', 'log'), 'log ***\n');
  assert.equal(problemOf(ran, 'failing').message, 'stage "failing" failed: refused ***');
  const places = { ...treeOf(rig.root), stdout: ran.stdout, stderr: ran.stderr };
  for (const [place, text] of Object.entries(places)) {
    if (place.startsWith('node_modules')) continue;
    assert.ok(!text.includes(secret), `the secret is in ${place}`);
    assert.ok(!text.includes(plain), `the variable is in ${place}`);
  }
  assert.ok(readdirSync(rig.path('.lockstep/history')).length > 0);
  assert.ok(eventsOf(ran).some((event) => event.type === 'stage-progressed' && event.label === 'at ***'));
});

test('a secret of one stage is masked in what others tell, which inherit it or read what the first wrote', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  fetch: { cmd: echo "$API_TOKEN" > meta, secrets: [API_TOKEN], outs: [meta] }
  use: { cmd: echo "$API_TOKEN" && cat meta >&2 && touch out, deps: [meta], outs: [out] }
  look: { run: m.mjs, deps: [meta], outs: { out: m.txt } }
`,
    'm.mjs': `import { readFileSync } from 'node:fs';
export default () => { throw new Error(readFileSync('meta', 'utf8')); };`,
  });
  const ran = await rig.lockstep(['repro', '--json'], { env: { API_TOKEN: 's3cr3t-value' } });
  assert.deepEqual({ ...outcomesOf(ran) }, { fetch: 'ran', use: 'ran', look: 'failed' }, ran.stdout);
  assert.equal(outputOf(ran, 'use', 'stdout'), '***\n');
  assert.ok(!ran.stdout.includes('s3cr3t'), ran.stdout);
});

test('a stage whose secrets are unset or empty does not start, whatever it is; one that is fresh needs none', async () => {
  const pipeline = `stages:
  shell: { cmd: echo "$API_TOKEN" > out, secrets: [API_TOKEN], outs: [out] }
  module: { run: m.mjs, secrets: [API_TOKEN, MY_KEY], outs: { out: mod } }
  other: { cmd: echo > other, outs: [other] }
`;
  const rig = createRig({
    'pipeline.yaml': pipeline,
    'm.mjs': `import { writeFileSync } from 'node:fs';
export default ({ env, outs }) => writeFileSync(outs.out, env.MY_KEY);`,
    out: 'old\n',
  });
  const ran = await rig.lockstep(['repro', '--json', '-k'], { env: { API_TOKEN: '' } });
  assert.equal(ran.code, 1);
  assert.deepEqual({ ...outcomesOf(ran) }, { shell: 'failed', module: 'failed', other: 'ran' });
  assert.equal(rig.read('out'), 'old\n');
  const told = await rig.lockstep(['repro', '-j', '1', 'shell'], { env: { API_TOKEN: '' } });
  assert.match(
    told.stderr,
    /error\[secret\.unset\]: stage "shell" needs the secret API_TOKEN, which is unset or empty\n --> pipeline\.yaml:2:3\n(.*\n)* {2}= hint: export it and run again, or take it out of "secrets:"\n/,
  );
  const { message, at } = problemOf(await rig.lockstep(['repro', '--json', 'module']), 'module');
  assert.equal(message, 'stage "module" needs the secrets API_TOKEN, MY_KEY, which are unset or empty');
  assert.equal(at?.[0]?.line, 3);
  const env = { API_TOKEN: 's3cr3t', MY_KEY: 'k3y5' };
  assert.deepEqual(
    { ...outcomesOf(await rig.lockstep(['repro', '--json'], { env })) },
    { shell: 'ran', module: 'ran', other: 'fresh' },
  );
  assert.equal((await rig.lockstep(['repro'])).code, 0);
});

test('a secret of several lines is masked when it is printed line by line', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  s:
    cmd: 'printf "%s\\n" "$MY_KEY" | sed "s/^/> /"; exit 1'
    secrets: [MY_KEY]
    outs: [out]
`,
  });
  const env = { MY_KEY: '-----BEGIN KEY-----\r\nMIIEvQIBADAN\r\n-----END KEY-----' };
  const ran = await rig.lockstep(['repro', '--json'], { env });
  assert.equal(outputOf(ran, 's', 'stdout'), '> ***\r\n> ***\r\n> ***\n');
});

test('a secret in a path that is refused is masked', async () => {
  const rig = createRig({
    'pipeline.yaml': 'stages: { s: { run: m.mjs, secrets: [TOKEN], outs: [out] } }\n',
    'm.mjs': `import { existsSync } from 'node:fs';
export default ({ env }) => void existsSync('of/' + env.TOKEN);`,
  });
  const ran = await rig.lockstep(['repro', '--json'], { env: { TOKEN: 's3cr3t-value' } });
  assert.equal(problemOf(ran, 's').message, 'stage "s" reads "of/***", which it does not declare');
  assert.ok(!ran.stdout.includes('s3cr3t-value'));
});

test(
  'who starts a stage is marked with the runner that the attempt is named after',
  { skip: process.platform !== 'linux' && 'needs /proc' },
  async () => {
    const rig = createRig({
      'pipeline.yaml': `stages:
  s:
    cmd:
      - tr '\\0' '\\n' < /proc/$PPID/environ | grep ^LOCKSTEP_RUNNER= > runner
      - ls .lockstep/attempts > attempt
    outs: [runner, attempt]
`,
    });
    assert.equal((await rig.lockstep(['repro'])).code, 0);
    const [, owner] = /^LOCKSTEP_RUNNER=(\d+-[0-9A-Za-z]+)\n$/.exec(rig.read('runner')) ?? [];
    assert.ok(owner !== undefined && rig.read('attempt').startsWith(`${owner}.`), rig.read('runner'));
  },
);

test('an input that is edited while its stage waits for another is read as it is then', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  slow: { cmd: cp new in.txt && echo x > slow, deps: [new], outs: [slow] }
  reads: { cmd: cat slow in.txt > out, deps: [slow, in.txt], outs: [out] }
`,
    'in.txt': 'old',
    new: 'new',
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.deepEqual(outcomesOf(ran), { slow: 'ran', reads: 'ran' });
  assert.equal(rig.read('out'), 'x\nnew');
  assert.match((await rig.lockstep(['status'])).stdout, /everything is fresh/i);
});

test('an input that is edited while its stage reads it fails the stage', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  a: { cmd: cp in.txt out && echo more >> in.txt, deps: [in.txt], outs: [out] }\n',
    'in.txt': 'old',
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(ran.code, 1);
  const { code, message, hint } = problemOf(ran, 'a');
  assert.deepEqual([code, message], ['dep.changed', '"in.txt" changed while stage "a" was reading it']);
  assert.match(
    hint ?? '',
    /^run again; if "a" itself writes to it, let it change a copy: a dep must stand still while a stage runs/,
  );
  assert.equal(existsSync(rig.path('out')), false);
});

test('a parameter that is edited before its command has ended fails the stage: the command may have read either value', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  first: { cmd: "[ ! -e new ] || mv new params.yaml; echo x > first", outs: [first] }
  a: { cmd: "echo begun; [ ! -e newer ] || mv newer params.yaml; cat params.yaml > out", params: [rate], deps: [first], outs: [out] }
`,
    'params.yaml': 'rate: 1\nother: 1\n',
    newer: 'rate: 2\n',
  });
  const during = await rig.lockstep(['repro', '--json']);
  assert.equal(during.code, 1);
  const { code, message } = problemOf(during, 'a');
  assert.deepEqual([code, message], ['params.changed', '"rate" changed before stage "a" was done']);
  assert.equal(existsSync(rig.path('out')), false);
  rig.write('new', 'rate: 3\n');
  const before = await rig.lockstep(['repro', '--json', '--force']);
  assert.equal(problemOf(before, 'a').code, 'params.changed');
  assert.ok(!eventsOf(before).some((event) => event.type === 'stage-output'), before.stdout);
  // What the stage does not depend on may change.
  rig.write('new', '# now\nrate: 3\nother: 2\n');
  const last = await rig.lockstep(['repro', '--json', '--force']);
  assert.deepEqual(outcomesOf(last), { first: 'ran', a: 'ran' });
});

test('whoever starts stages finds the libraries of Node where the runner does', async (t) => {
  if (process.platform !== 'linux') return t.skip('no /proc');
  const cmd = `tr '\\0' '\\n' < /proc/$PPID/environ | grep ^LD_ > out`;
  const rig = createRig({
    'pipeline.yaml': `stages:\n  s: { cmd: "${cmd.replaceAll('\\', '\\\\')}", outs: [out] }\n  m: { run: m.mjs, outs: { out: of-m } }\n`,
    'm.mjs':
      "import { writeFileSync } from 'node:fs';\nexport default ({ outs }) => writeFileSync(outs.out, process.env.LD_LIBRARY_PATH);\n",
  });
  const ran = await rig.lockstep(['repro'], { env: { LD_LIBRARY_PATH: '/no/such/folder' } });
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(rig.read('out'), 'LD_LIBRARY_PATH=/no/such/folder\n');
  assert.equal(rig.read('of-m'), '/no/such/folder');
});

/** The root again below a folder, without /proc, and a command in it. */
const CHROOTED = `set -e
mount -t tmpfs none "$0"
for one in /*; do
  case $one in /proc|/sys) continue ;; esac
  if [ -L "$one" ]; then cp -P "$one" "$0$one"
  elif [ -d "$one" ]; then mkdir "$0$one"; mount --rbind "$one" "$0$one"; fi
done
exec chroot "$0" "$@"`;

test('a run goes on where there is no /proc, as in a chroot', (t) => {
  const rig = createRig({
    'pipeline.yaml': 'stages:\n  s: { cmd: echo made > out, outs: [out] }\n',
    'above/x': '',
  });
  const chrooted = (...command: readonly string[]): ReturnType<typeof spawnSync> =>
    spawnSync('unshare', ['-Urm', 'sh', '-c', CHROOTED, rig.path('above'), ...command], { encoding: 'utf8' });
  if (chrooted('true').status !== 0) return t.skip('no user namespaces');
  const ran = chrooted(process.execPath, CLI, '-C', rig.root, 'repro');
  assert.equal(ran.status, 0, String(ran.stderr));
  assert.equal(rig.read('out'), 'made\n');
});

test(
  'what a lockstep inside of a stage started ends with the outer runner, however that one dies',
  LINUX,
  async () => {
    const rig = createRig({
      'pipeline.yaml': `stages: { outer: { cmd: '"${process.execPath}" "${CLI}" -C inner repro', outs: [out] } }\n`,
      'inner/pipeline.yaml':
        'stages: { s: { cmd: "exec > held; echo ready >&2; exec sleep 600", outs: [out] } }\n',
    });
    makeFifo(rig.path('inner/held'));
    const running = rig.start(['repro']);
    // Its end comes when nobody has the FIFO open for writing any more.
    const held = createReadStream(rig.path('inner/held'));
    await running.seen('ready');
    running.process.kill('SIGKILL');
    for await (const _ of held) assert.fail('nothing is written');
  },
);

test('a project that is moved while it runs is not begun anew where it was', async (t) => {
  const rig = createRig({
    'pipeline.yaml': `stages: { s: { cmd: 'echo x > out; mv "$LOCKSTEP_ROOT" "$LOCKSTEP_ROOT-moved"', outs: [out] } }\n`,
  });
  t.after(() => rmSync(`${rig.root}-moved`, { recursive: true, force: true }));
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 1, ran.stderr);
  assert.equal(existsSync(rig.root), false);
  const there = rigAt(`${rig.root}-moved`, {
    'pipeline.yaml': 'stages: { s: { cmd: "echo x > out", outs: [out] } }\n',
  });
  assert.equal((await there.lockstep(['repro'])).code, 0);
  assert.equal(there.read('out'), 'x\n');
});
