import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  realpathSync,
  rmSync,
  statSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { leftovers } from '../crash/state.ts';
import { createRig, rigAt } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { eventsOf, faultAtRename, outcomesOf, problemOf, processesOf, treeOf } from './tools.ts';

/** What stands in the workspace, less what the engine and the test keep for themselves. */
function workspaceOf(rig: Rig): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(treeOf(rig.root)).filter(
      ([path]) => !/^(\.lockstep|node_modules|in$|pipeline\.yaml|[a-z]+\.ts)/.test(path),
    ),
  );
}

test('old outs survive the failure of a shell and of a module stage byte for byte, modes included', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  shell:
    cmd: |
      cat in > a/same.txt; cat in > b/same.txt; printf '#!/bin/sh' > tool; chmod 755 tool; mkdir -p dir/sub; cat in > dir/sub/x
      if [ -s in ]; then exit 1; fi
    deps: [in]
    outs: [a/same.txt, tool, dir, { b/same.txt: { cache: false } }]
  sub/group:
    foreach: [x]
    do:
      run: m.ts
      deps: { in: in }
      outs: { out: 'm/\${item}.txt', dir: mdir/ }
`,
    'm.ts': `import { readFileSync, writeFileSync } from 'node:fs';
export default ({ deps, outs }) => {
  const text = readFileSync(deps.in, 'utf8');
  writeFileSync(outs.out, text);
  writeFileSync(outs.dir + '/y', text);
  if (text !== '') throw new Error('full');
};`,
    in: '',
  });
  const first = await rig.lockstep(['repro']);
  assert.equal(first.code, 0, first.stderr);
  chmodSync(rig.path('b/same.txt'), 0o600);
  const before = workspaceOf(rig);
  assert.match(before['tool'] ?? '', /^755 /);
  rig.write('in', 'more');
  const ran = await rig.lockstep(['repro', '--json', '-k']);
  assert.equal(ran.code, 1);
  assert.deepEqual(workspaceOf(rig), before);
  assert.deepEqual(leftovers(rig.root), []);
  // Two outs of one name do not overwrite each other.
  assert.equal(rig.read('.lockstep/failed/shell/a/same.txt'), 'more');
  assert.equal(rig.read('.lockstep/failed/shell/b/same.txt'), 'more');
  assert.equal(rig.read('.lockstep/failed/shell/dir/sub/x'), 'more');
  assert.match(
    problemOf(ran, 'sub/group@x').hint ?? '',
    /what it made is in \.lockstep\/failed\/sub%2fgroup@x$/,
  );
  assert.equal(rig.read('.lockstep/failed/sub%2fgroup@x/m/x.txt'), 'more');
  assert.equal(rig.read('.lockstep/failed/sub%2fgroup@x/mdir/y'), 'more');
});

test('a stage whose name is too long for a file puts its old outs back at once and keeps what failed', async () => {
  const name = 'n'.repeat(300);
  const rig = createRig({
    'pipeline.yaml': `stages:\n  ${name}: { cmd: "cat in > out; test ! -s in", deps: [in], outs: [out] }\n`,
    in: '',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('in', 'more');
  const failed = await rig.lockstep(['repro', '--json']);
  const [kept = ''] =
    /\.lockstep\/failed\/n{120}-[0-9a-f]{8}$/.exec(problemOf(failed, name).hint ?? '') ?? [];
  assert.deepEqual([rig.read('out'), rig.read(`${kept}/out`)], ['', 'more']);
  assert.deepEqual(leftovers(rig.root), []);
});

const REFUSED: Readonly<Record<string, { make: string; outs?: string; code: string; message: RegExp }>> = {
  'is missing at exit 0': {
    make: '',
    code: 'out.missing',
    message: /^stage "s" ended well but did not write "o"$/,
  },
  'is a file though declared as a folder': {
    make: `fs.rmSync(outs.o, { recursive: true, force: true }); fs.writeFileSync(outs.o, 'x');`,
    outs: '{ o: o/ }',
    code: 'out.kind',
    message: /^stage "s" wrote the file "o", but it is declared as a folder$/,
  },
  'has a stray file beside it': {
    make: `fs.writeFileSync(outs.o, 'x'); fs.writeFileSync(outs.o + '.tmp', 'x');`,
    code: 'out.stray',
    message: /^stage "s" wrote "o\.tmp" beside its outs, which it does not declare$/,
  },
  'is a symbolic link': {
    make: `fs.writeFileSync(process.env.TMPDIR + '/t', 'x'); fs.symlinkSync(process.env.TMPDIR + '/t', outs.o);`,
    code: 'path.special',
    message: /^"o" is a symbolic link$/,
  },
  'holds a FIFO': {
    make: `fs.mkdirSync(outs.o); (await import('node:child_process')).execFileSync('mkfifo', [outs.o + '/pipe']);`,
    code: 'path.special',
    message: /^"o\/pipe" is neither a file nor a folder$/,
  },
  'holds a name that is not UTF-8': {
    make: `fs.mkdirSync(outs.o); fs.writeFileSync(Buffer.concat([Buffer.from(outs.o + '/a'), Buffer.from([0xff])]), 'x');`,
    code: 'path.not-utf8',
    message: /^the name "o\/a\uFFFD" is not valid UTF-8$/,
  },
};

for (const [what, { make, outs = '{ o: o }', code, message }] of Object.entries(REFUSED)) {
  test(`an out that ${what} is refused by name, and the old one stands`, async () => {
    const rig = createRig({
      'pipeline.yaml': `stages:\n  s:\n    run: m.ts\n    hermetic: false\n    outs: ${outs}\n`,
      'm.ts': `import * as fs from 'node:fs';\nexport default async ({ outs }) => { ${make} };`,
      o: 'mine',
    });
    const ran = await rig.lockstep(['repro', '--json']);
    assert.equal(ran.code, 1, ran.stdout);
    const problem = problemOf(ran, 's');
    assert.equal(problem.code, code);
    assert.match(problem.message, message);
    assert.equal(problem.at?.[0]?.file, 'pipeline.yaml');
    assert.equal(rig.read('o'), 'mine');
    assert.deepEqual(leftovers(rig.root), []);
  });
}

test('an empty folder is an out; any name that a file system takes survives run, removal and restore', async () => {
  const names = [
    '^BSESN.csv',
    'M&M.NS.csv',
    'two  blanks ',
    'quote\'"s',
    'line\nbreak',
    'tab\t',
    'नमस्ते.csv',
    'e\u0301.txt',
    '\u00e9.txt',
    '-rf',
    '*',

    '#',
    '%41',
  ];
  const rig = createRig({
    'pipeline.yaml': `stages:
  empty:
    cmd: 'true'
    outs: [empty/]
  names:
    run: m.ts
    outs: { dir: names/, star: '^BSE & "x".csv' }
  reads:
    run: r.ts
    deps: { dir: names, star: '^BSE & "x".csv', empty: empty }
    outs: { out: list.json }
`,
    'm.ts': `import { writeFileSync } from 'node:fs';
export default ({ outs }) => {
  for (const name of ${JSON.stringify(names)}) writeFileSync(outs.dir + '/' + name, name);
  writeFileSync(outs.star, 'star');
};`,
    'r.ts': `import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
export default ({ deps, outs }) => {
  const read = readdirSync(deps.dir).map((name) => readFileSync(deps.dir + '/' + name, 'utf8')).sort();
  writeFileSync(outs.out, JSON.stringify([read, readFileSync(deps.star, 'utf8'), readdirSync(deps.empty)]));
};`,
  });
  const ran = await rig.lockstep(['repro', '--json']);
  assert.equal(ran.code, 0, ran.stdout);
  assert.deepEqual(JSON.parse(rig.read('list.json')), [[...names].sort(), 'star', []]);
  const before = workspaceOf(rig);
  for (const name of ['names', 'empty', '^BSE & "x".csv']) rig.remove(name);
  const back = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(back) }, { empty: 'restored', names: 'restored', reads: 'fresh' });
  assert.deepEqual(workspaceOf(rig), before);
});

test('what its user puts at the place of an out while a module stage fails, retries or is cut off, stands', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  s: { run: m.ts, hermetic: false, deps: { in: in }, outs: { out: out.txt }, retry: { attempts: 2, delay: 1ms } }
`,
    // Not what the stage was given: as anybody might write it by then.
    'm.ts': `import { existsSync, readFileSync, writeFileSync } from 'node:fs';
export default ({ deps }) => {
  if (!existsSync('out.txt')) writeFileSync('out.txt', 'by hand');
  const { pid } = JSON.parse(readFileSync(deps.in, 'utf8'));
  if (pid) process.kill(process.ppid, 'SIGKILL');
  throw new Error('failed');
};`,
    in: '{}',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 1);
  assert.equal(rig.read('out.txt'), 'by hand');
  assert.equal(existsSync(rig.path('.lockstep/failed')), false);
  assert.equal((await rig.lockstep(['commit'])).code, 0);
  assert.equal(rig.read('out.txt'), 'by hand');
});

test('what its user puts at the place of an out while its module runs well is kept in the cache, and told', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  s: { run: m.ts, hermetic: false, deps: { in: in }, outs: { out: out.txt } }\n',
    'm.ts': `import { readFileSync, rmSync, writeFileSync } from 'node:fs';
export default ({ deps, outs }) => {
  const text = readFileSync(deps.in, 'utf8');
  writeFileSync(outs.out, text);
  if (text === 'first') return;
  rmSync('out.txt');
  writeFileSync('out.txt', 'by hand');
};`,
    in: 'first',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('in', 'second');
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(rig.read('out.txt'), 'second');
  const [, kept = ''] = /warning\[out\.kept\](?:.*\n)*.*find it at (\S+),/.exec(ran.stderr) ?? [];
  assert.equal(readFileSync(kept, 'utf8'), 'by hand', ran.stderr);
});

test('persist starts from a private writable copy of the old out, which survives a failure', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  shell:
    cmd: cat in >> log; cat in >> dir/x; if grep -q bad in; then exit 1; fi
    deps: [in]
    outs: [{ log: { persist: true } }, { dir/: { persist: true } }]
  module:
    run: m.ts
    deps: { in: in }
    outs: { log: { path: mlog, persist: true } }
`,
    'm.ts': `import { appendFileSync, readFileSync } from 'node:fs';
export default ({ deps, outs }) => {
  appendFileSync(outs.log, readFileSync(deps.in));
  if (readFileSync(deps.in, 'utf8').startsWith('bad')) throw new Error('bad');
};`,
    in: 'one\n',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  for (const name of ['log', 'mlog', 'dir/x']) {
    assert.equal(statSync(rig.path(name)).nlink, 1, `${name} shares no inode`);
    assert.ok(statSync(rig.path(name)).mode & 0o200, `${name} can be written to`);
  }
  rig.write('in', 'two\n');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  const before = workspaceOf(rig);
  assert.deepEqual(
    [rig.read('log'), rig.read('mlog'), rig.read('dir/x')],
    ['one\ntwo\n', 'one\ntwo\n', 'one\ntwo\n'],
  );
  rig.write('in', 'bad\n');
  assert.equal((await rig.lockstep(['repro', '-k'])).code, 1);
  assert.deepEqual(workspaceOf(rig), before);
});

test('an out that git keeps stays a file of its own and comes back when things go back; a tool keeps its bit', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  s:
    cmd: cat in > metric; cat in > tool; chmod 755 tool
    deps: [in]
    outs: [{ metric: { cache: false } }, tool]
`,
    in: 'one',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('in', 'two');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  assert.equal((lstatSync(rig.path('metric')).mode & 0o777).toString(8), '644');
  rig.write('in', 'one');
  const back = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(back) }, { s: 'restored' });
  assert.deepEqual([rig.read('metric'), rig.read('tool')], ['one', 'one']);
  for (const name of ['metric', 'tool']) assert.equal(statSync(rig.path(name)).nlink, 1);
  assert.equal((lstatSync(rig.path('metric')).mode & 0o777).toString(8), '644');
  assert.equal((lstatSync(rig.path('tool')).mode & 0o777).toString(8), '755');
});

const TWO_OUTS = `import { readFileSync, writeFileSync } from 'node:fs';
export default ({ deps, outs }) => {
  writeFileSync(outs.one, readFileSync(deps.in));
  writeFileSync(outs.two + '/x', readFileSync(deps.in));
};`;

const CRASHES = [
  ['before the first old out is moved aside', 'aside/0/one', 'kill-before'],
  ['between the two renames of a replace', 'aside/0/one', 'kill-after'],
  ['between two outs', '/one', 'kill-after'],
  ['before the result is in the run cache', 'two', 'kill-after'],
  ['before the result is in the lock', 'pipeline.lock', 'kill-before'],
  ['after the result is in the lock', 'pipeline.lock', 'kill-after'],
] as const;

for (const kind of ['run: m.ts', 'cmd: mkdir -p two; cat in > one; cat in > two/x'] as const) {
  for (const [when, target, fault] of CRASHES) {
    test(`a runner killed in mid-commit ${when} (${kind.slice(0, 3)}) leaves all old or all new outs after the next command`, async () => {
      const rig = createRig({
        'pipeline.yaml': `stages:\n  s:\n    ${kind}\n    deps: { in: in }\n    outs: { one: one, two: two/ }\n`,
        'm.ts': TWO_OUTS,
        in: 'old',
      });
      assert.equal((await rig.lockstep(['repro'])).code, 0);
      rig.write('in', 'new');
      const killed = await rig.lockstep(['repro'], { env: faultAtRename(target, fault) });
      assert.equal(killed.signal, 'SIGKILL', killed.stderr);
      const next = await rig.lockstep(['repro', '--json']);
      assert.equal(next.code, 0, next.stdout);
      const how = eventsOf(next)
        .filter((event) => event.type === 'attempt-recovered')
        .map((event) => event.how);
      assert.equal(how.length, 1, next.stdout);
      // What was safe when it died is not computed again.
      assert.deepEqual({ ...outcomesOf(next) }, { s: how[0] === 'rolled-forward' ? 'fresh' : 'ran' });
      assert.deepEqual([rig.read('one'), rig.read('two/x')], ['new', 'new']);
      assert.deepEqual(leftovers(rig.root), []);
      assert.deepEqual(processesOf(rig), []);
      assert.equal((await rig.lockstep(['repro'])).stderr, 'Everything is fresh: 1 stage, nothing to do.\n');
    });
  }
}

test('a move that fails puts everything back and keeps what was made', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'stages:\n  s:\n    run: m.ts\n    deps: { in: in }\n    outs: { one: one, two: two/ }\n',
    'm.ts': TWO_OUTS,
    in: 'old',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  const before = workspaceOf(rig);
  rig.write('in', 'new');
  const failed = await rig.lockstep(['repro'], { env: faultAtRename(`${rig.root}/two`, 'EACCES') });
  assert.equal(failed.code, 1, failed.stderr);
  assert.match(failed.stderr, /error\[disk\.denied\]/);
  assert.deepEqual(workspaceOf(rig), before);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  assert.equal(rig.read('two/x'), 'new');
  assert.deepEqual(leftovers(rig.root), []);
});

test('an out on another device is staged beside it and moved by rename', async (t) => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'lockstep-device-')));
  const here = join(root, 'here');
  mkdirSync(here);
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', here]).status === 0;
  t.after(() => {
    if (isMounted) spawnSync('umount', ['-l', here]);
    rmSync(root, { recursive: true, force: true });
  });
  if (!isMounted) return t.skip('no file system can be mounted here');
  const rig = rigAt(root, {
    'pipeline.yaml': `stages:
  module: { run: m.ts, deps: { in: in }, outs: { one: here/one } }
  shell: { cmd: cat in > here/two, deps: [in], outs: [here/two] }
`,
    'm.ts': `import { readFileSync, writeFileSync } from 'node:fs';\nexport default ({ deps, outs }) => writeFileSync(outs.one, readFileSync(deps.in));`,
    in: 'old',
  });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('in', 'new');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  assert.deepEqual([rig.read('here/one'), rig.read('here/two')], ['new', 'new']);
  rig.write('in', 'old');
  const back = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(back) }, { module: 'restored', shell: 'restored' });
  assert.deepEqual([rig.read('here/one'), rig.read('here/two')], ['old', 'old']);
  assert.deepEqual(
    readdirSync(here).filter((name) => name.startsWith('.lockstep')),
    [],
  );
});
