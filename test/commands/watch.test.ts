import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { renameSync, symlinkSync } from 'node:fs';
import test from 'node:test';
import { CLI, createRig, rigAt } from '../rig.ts';
import type { Ran, Rig, Running } from '../rig.ts';
import { createDemo, jsonOf } from './projects.ts';

/** A watch whose JSON lines can be waited for one after the other. */
interface Watch {
  readonly running: Running;
  /** Resolves when it has begun to watch for the n-th time. */
  watching(times: number): Promise<void>;
  end(): Promise<Ran>;
}

function watchIn(rig: Rig, ...words: readonly string[]): Watch {
  const running = rig.start(['watch', '--json', ...words]);
  let text = '';
  const waiting = new Set<() => void>();
  running.process.stdout?.on('data', (chunk: string) => {
    text += chunk;
    for (const look of waiting) look();
  });
  return {
    running,
    watching: (times) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (text.split('{"type":"watching"}').length > times) resolve();
        };
        waiting.add(look);
        look();
        void running.ended.then((ran) => reject(new Error(`the watch ended: ${ran.stdout}${ran.stderr}`)));
      }),
    end() {
      running.process.kill('SIGINT');
      return running.ended;
    },
  };
}

for (const [limit, most, code] of [
  ['watches', 5, 'ENOSPC'],
  ['instances', 0, 'EMFILE'],
] as const) {
  test(`a watch for which the system has too few ${limit} ends with what to raise`, (t) => {
    const limited = `echo ${most} > /proc/sys/user/max_inotify_${limit}`;
    const isAble = spawnSync('unshare', ['-Ur', 'sh', '-c', limited]).status === 0;
    if (!isAble) return t.skip('no user namespace can be made here');
    const rig = createRig({ 'pipeline.yaml': 'stages: { s: { cmd: "echo x > out", outs: [out] } }\n' });
    for (const name of 'abcdefghij') rig.write(`${name}/${name}/f`, '');
    const script = `${limited}; exec "$0" "$@"`;
    const ran = spawnSync('unshare', ['-Ur', 'sh', '-c', script, process.execPath, CLI, 'watch'], {
      cwd: rig.root,
      encoding: 'utf8',
    });
    assert.equal(ran.status, 1, ran.stderr);
    assert.ok(
      ran.stderr.includes(`error[watch.limit]: the system watches no more files for you (${code})\n`),
    );
    assert.ok(ran.stderr.includes(`"sysctl fs.inotify.max_user_${limit}" shows it`), ran.stderr);
  });
}

test('a watch goes on past a link in a circle that nobody reads, and says so', async () => {
  const rig = await createDemo();
  symlinkSync('loop', rig.path('loop'));
  const watch = watchIn(rig);
  await watch.watching(1);
  save(rig, 'in.txt', 'four\n');
  await watch.watching(2);
  const ran = await watch.end();
  assert.equal(ran.code, 0, ran.stdout);
  assert.deepEqual(changesOf(ran), [['in.txt']]);
  assert.match(ran.stdout, /"code":"watch\.denied","message":"\S*loop\\" cannot be looked at \(ELOOP\)/);
});

/** What each run of a watch ran: `copy split count`. */
function runsOf(ran: Ran): readonly string[] {
  const runs: string[][] = [];
  for (const event of jsonOf(ran)) {
    if (event['type'] === 'run-started') runs.push([]);
    if (event['type'] === 'stage-finished' && event['outcome'] !== 'fresh')
      runs.at(-1)?.push(String(event['stage']));
  }
  return runs.map((stages) => stages.join(' '));
}

/** What each further run of a watch was told to be for. */
function changesOf(ran: Ran): readonly unknown[] {
  return jsonOf(ran).flatMap((event) => (event['type'] === 'changed' ? [event['paths']] : []));
}

/** Saves as careful editors do, in one step: whoever watches sees the old file or the new one. */
function save(rig: Rig, name: string, text: string): void {
  rig.write('node_modules/saved', text);
  renameSync(rig.path('node_modules/saved'), rig.path(name));
}

test('a saved file reruns exactly what it makes stale, and what stages write reruns nothing', async () => {
  const rig = await createDemo();
  const watch = watchIn(rig);
  await watch.watching(1);
  save(rig, 'in.txt', 'four\n');
  await watch.watching(2);
  save(rig, 'params.yaml', 'width: 2\n');
  await watch.watching(3);
  save(rig, 'in.txt', 'five\nsix\n');
  await watch.watching(4);
  const ran = await watch.end();
  assert.equal(ran.code, 0);
  assert.equal(ran.stderr, '');
  // Of the second change: "split" writes the same parts, which stops the wave.
  assert.deepEqual(runsOf(ran), ['', 'copy split count', 'split', 'copy split count']);
  assert.equal(rig.read('count.txt'), '2\n');
  assert.deepEqual(changesOf(ran), [['in.txt'], ['params.yaml'], ['in.txt']]);
});

for (const [what, more] of [
  ['a stage that fails', 'cmd: "echo x >> tool.log; cat in.txt > work/o.txt; exit 1"'],
  ['a stage that always runs', 'always: true, cmd: "echo x >> tool.log; cat in.txt > work/o.txt"'],
]) {
  test(`what ${what} writes beside its outs is no reason to run it again, nor is a file that nobody reads`, async () => {
    const rig = createRig({
      'pipeline.yaml': `name: a
stages:
  w: { ${more}, deps: [in.txt], outs: [work/o.txt] }
  around: { cmd: ls work > list.txt, deps: [work], outs: [list.txt] }
`,
      'in.txt': 'one\n',
      'work/given.txt': 'given\n',
    });
    const watch = watchIn(rig);
    for (const times of [1, 2, 3]) {
      await watch.watching(times);
      save(rig, 'notes.txt', `${times}\n`);
      save(rig, 'in.txt', `${times}\n`);
    }
    await watch.watching(4);
    assert.deepEqual(changesOf(await watch.end()), [['in.txt'], ['in.txt'], ['in.txt']]);
    assert.equal(rig.read('tool.log'), 'x\nx\nx\nx\n');
  });
}

test('a dep wakes a watch whatever it is called', async () => {
  const deps = ['in.tmp', 'in.txt~', 'sub/.in.swp', 'sub/.gitignore', 'sub/pipeline.lock'];
  const rig = createRig({
    'pipeline.yaml': `name: a\nstages:\n  w: { cmd: cat in.tmp > o.txt, deps: [${deps.join(', ')}], outs: [o.txt] }\n`,
    ...Object.fromEntries(deps.map((dep) => [dep, 'old\n'])),
  });
  const watch = watchIn(rig);
  for (const [runs, dep] of deps.entries()) {
    await watch.watching(runs + 1);
    save(rig, dep, 'new\n');
  }
  await watch.watching(deps.length + 1);
  const ran = await watch.end();
  assert.deepEqual(
    changesOf(ran),
    deps.map((dep) => [dep]),
  );
  assert.deepEqual(runsOf(ran), ['w', 'w', 'w', 'w', 'w', 'w']);
});

test('a watch is woken by what was looked for in vain, by new files in folders that are read, and by imported code', async () => {
  const rig = createRig({
    'pipeline.yaml':
      'name: a\nparams: [more.yaml]\nstages:\n  m: { run: stages/m.ts, deps: [in], outs: [m.txt] }\n',
    'pipeline.lock': '<<<<<<< ours\n',
    'in/a.txt': 'a\n',
    'stages/m.ts': `import { writeFileSync } from 'node:fs';
import { defineStage } from 'lockstep-data';
import { text } from './text.ts';
const table = new URL('./tables/', import.meta.url);
export default defineStage(({ outs }) => writeFileSync(outs['m.txt'] ?? '', text + table.protocol));
`,
    'stages/tables/a.csv': '1\n',
  });
  const saves: readonly (readonly [name: string, text: string])[] = [
    ['more.yaml', 'a: 1\n'],
    ['pipeline.lock', 'lockfile: 1\nstages: {}\n'],
    ['stages/text.ts', "export const text = 'one';\n"],
    ['in/b.txt', 'b\n'],
    ['stages/text.ts', "export const text = 'two';\n"],
    ['stages/tables/b.csv', '2\n'],
  ];
  const watch = watchIn(rig);
  for (const [runs, [name, text]] of saves.entries()) {
    await watch.watching(runs + 1);
    save(rig, name, text);
  }
  await watch.watching(saves.length + 1);
  const ran = await watch.end();
  assert.deepEqual(
    changesOf(ran),
    saves.map(([name]) => [name]),
  );
  assert.match(
    JSON.stringify(jsonOf(ran).filter((event) => event['type'] === 'error')),
    /more\.yaml.*conflict.*text\.ts/,
  );
  assert.deepEqual(runsOf(ran), ['m', 'm', 'm', 'm']);
});

test('in a workspace a watch is woken by code of a package beside the project, and by what is installed above it', async () => {
  const workspace = createRig({
    'package.json': '{"workspaces": ["beside", "project"]}',
    'beside/package.json':
      '{"name": "beside", "version": "1.0.0", "type": "module", "exports": "./index.js"}',
    'beside/index.js': 'export default 1;\n',
    'node_modules/installed/package.json':
      '{"name": "installed", "version": "1.0.0", "exports": "./index.js"}',
    'node_modules/installed/index.js': 'module.exports = 1;\n',
  });
  symlinkSync('../beside', workspace.path('node_modules/beside'));
  const rig = rigAt(workspace.path('project'), {
    'pipeline.yaml': 'stages:\n  s: { run: s.mjs, outs: { out: out } }\n',
    's.mjs': `import { writeFileSync } from 'node:fs';
import beside from 'beside';
import installed from 'installed';
export default ({ outs }) => writeFileSync(outs.out, \`\${beside} \${installed}\`);
`,
  });
  const watch = watchIn(rig);
  await watch.watching(1);
  save(workspace, 'beside/index.js', 'export default 2;\n');
  await watch.watching(2);
  assert.equal(rig.read('out'), '2 1');
  workspace.write('node_modules/installed/index.js', 'module.exports = 2;\n');
  const manifest = workspace.read('node_modules/installed/package.json');
  workspace.write('node_modules/installed/package.json', manifest.replace('1.0.0', '2.0.0'));
  save(workspace, 'package.json', '{"workspaces": ["project", "beside"]}');
  await watch.watching(3);
  assert.equal(rig.read('out'), '2 2');
  const ran = await watch.end();
  assert.equal(ran.code, 0, ran.stdout);
  assert.deepEqual(changesOf(ran), [['../beside/index.js'], ['../package.json']]);
});

test('each run of a watch has a history of its own', async () => {
  const rig = await createDemo();
  const watch = watchIn(rig);
  await watch.watching(1);
  save(rig, 'in.txt', 'four\n');
  await watch.watching(2);
  save(rig, 'in.txt', 'five\nsix\n');
  await watch.watching(3);
  assert.equal((await watch.end()).code, 0);
  const rows = jsonOf(await rig.lockstep(['log', '--json']));
  assert.equal(rows.length, 3);
  for (const { run, outcome, stages } of rows) {
    assert.equal(outcome, 'succeeded');
    assert.deepEqual(stages, { ran: 3 });
    const events = jsonOf(await rig.lockstep(['log', String(run), '--json']));
    assert.equal(events.filter((event) => event['type'] === 'run-started').length, 1);
  }
});

test('a broken pipeline.yaml and a failing stage are told and waited out', async () => {
  const rig = await createDemo();
  const good = rig.read('pipeline.yaml');
  const watch = watchIn(rig);
  await watch.watching(1);
  save(rig, 'pipeline.yaml', good.replace('stages:', 'stagse:'));
  await watch.watching(2);
  save(rig, 'pipeline.yaml', good.replace('ls parts', 'exit 3; ls parts'));
  await watch.watching(3);
  save(rig, 'pipeline.yaml', good.replace('ls parts', 'ls  parts'));
  await watch.watching(4);
  const ran = await watch.end();
  assert.equal(ran.code, 0);
  const [error] = jsonOf(ran).filter((event) => event['type'] === 'error');
  assert.match(JSON.stringify(error), /did you mean \\"stages\\"/);
  assert.deepEqual(
    jsonOf(ran).flatMap((event) => (event['type'] === 'run-finished' ? [event['outcome']] : [])),
    ['succeeded', 'failed', 'succeeded'],
  );
});

test('a watch that begins with a broken pipeline waits until it is mended', async () => {
  const rig = await createDemo();
  const good = rig.read('pipeline.yaml');
  rig.write('pipeline.yaml', 'name: [\n');
  const watch = watchIn(rig);
  await watch.watching(1);
  save(rig, 'pipeline.yaml', good);
  await watch.watching(2);
  assert.equal((await watch.end()).code, 0);
});

test('Ctrl-C in the middle of a run ends it with 0 and leaves nothing behind', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\nstages:\n  slow: { cmd: "grep -q go in.txt && echo holding && sleep 60; cat in.txt > a", deps: [in.txt], outs: [a] }\n',
  });
  const watch = watchIn(rig);
  await watch.watching(1);
  save(rig, 'in.txt', 'go\n');
  await watch.running.seen('holding');
  const ran = await watch.end();
  assert.equal(ran.code, 0);
  assert.equal(rig.read('a'), 'one\ntwo\nthree\n', 'the old out stands');
  const next = await rig.lockstep(['status']);
  assert.equal(next.stdout, 'slow  would run      dep in.txt modified\n\n1 stage: 1 to run\n');
  const again = rig.start(['repro', '--json']);
  await again.seen('holding');
  again.process.kill('SIGINT');
  assert.ok(!(await again.ended).stdout.includes('attempt-recovered'), 'there was nothing to clean up');
});

test('for people a watch says what changed and that it watches', async () => {
  const rig = await createDemo();
  const running = rig.start(['watch', 'copy']);
  await running.seen('Watching; Ctrl-C ends.\n');
  save(rig, 'in.txt', 'four\n');
  await running.seen('1 stage: 1 ran in');
  running.process.kill('SIGINT');
  const ran = await running.ended;
  assert.equal(ran.code, 0);
  assert.match(ran.stdout, /^Watching; Ctrl-C ends\.\n\nChanged: in\.txt\n/);
});
