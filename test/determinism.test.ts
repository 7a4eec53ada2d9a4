import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { CLI, createRig, rigAt } from './rig.ts';
import type { Rig, RunOptions } from './rig.ts';

const STAGES: readonly string[] = [
  `  fetch:
    foreach: [us, eu, "in", asia, "ß", "Ä", "z", "ä"]
    do:
      cmd: printf '%s' '\${item} \${lr}' > raw/\${item}.csv
      params: [lr, nested]
      outs: ["raw/\${item}.csv"]
`,
  `  join:
    cmd: cat raw/us.csv raw/eu.csv > joined.csv
    deps: [raw/us.csv, raw/eu.csv]
    outs: [joined.csv]
`,
  `  all:
    run: stages/all.ts
    deps: { raw: raw, joined: joined.csv }
    params: [lr, big, nested]
    env: [MODE]
    refresh: { cron: "0 6 * * 1-5", tz: Asia/Kolkata }
    outs: { folder: out/, sum: { path: sum.json, metric: true, cache: false } }
`,
];

const FILES = {
  'params.yaml': 'lr: 1e-5\nbig: 123456789012345678901\nnested: { b: [1, 2], a: ü }\n',
  'stages/all.ts': `import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { defineStage } from 'lockstep-data';
import { I } from './turkish.ts';
export default defineStage(({ deps, outs, params, now }) => {
  for (const name of readdirSync(deps.raw!).filter((name) => name !== '.gitignore')) writeFileSync(join(outs.folder!, 'copy-' + name), name + I);
  writeFileSync(outs.sum!, JSON.stringify({ now, zone: new Date(2026, 0, 1).toISOString(), params }, (_, v) => typeof v === 'bigint' ? String(v) : v));
});
`,
  'stages/turkish.ts': "export const I: string = 'TITLE'.toLowerCase();\n",
};

const pipeline = (stages: readonly string[]): string => `name: same\nstages:\n${stages.join('')}`;
const NOW = { LOCKSTEP_NOW: '2026-03-16T12:00:00Z', MODE: 'fast' };

async function lockOf(rig: Rig, args: readonly string[] = [], options: RunOptions = {}): Promise<string> {
  const ran = await rig.lockstep(['repro', ...args], { ...options, env: { ...NOW, ...options.env } });
  assert.equal(ran.code, 0, ran.stderr);
  return rig.read('pipeline.lock');
}

const project = (stages: readonly string[] = STAGES): Rig =>
  createRig({ ...FILES, 'pipeline.yaml': pipeline(stages) });

/** With a umask of its own; `ulimit`-like settings of a process are its shell's. */
function underUmask(rig: Rig, umask: string): Promise<number | null> {
  const command = `umask ${umask}; exec "$0" "$1" repro`;
  const child = spawn('sh', ['-c', command, process.execPath, CLI], {
    cwd: rig.root,
    env: { ...process.env, ...NOW, NODE_TEST_CONTEXT: '' },
    stdio: 'ignore',
  });
  return new Promise((resolve) => child.once('close', resolve));
}

test('one project gives one lock, byte for byte, whatever surrounds it', async (t) => {
  const expected = await lockOf(project());
  assert.equal(expected.match(/^ {2}\S+:$/gm)?.length, 10);

  const variants: readonly (readonly [string, readonly string[], Readonly<Record<string, string>>])[] = [
    ['one stage at a time', ['-j', '1'], {}],
    ['eight stages at a time', ['-j', '8'], {}],
    ['Swedish', [], { LANG: 'sv_SE.UTF-8', LC_ALL: 'sv_SE.UTF-8' }],
    ['Turkish', [], { LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' }],
    ['no locale', [], { LANG: 'C', LC_ALL: 'C' }],
    ['another zone', [], { TZ: 'Pacific/Kiritimati' }],
    ['another minute of the same tick', [], { LOCKSTEP_NOW: '2026-03-16T23:59:59Z' }],
    ['colours', [], { FORCE_COLOR: '1' }],
  ];
  for (const [what, args, env] of variants) {
    await t.test(what, async () => assert.equal(await lockOf(project(), args, { env }), expected));
  }
  await t.test('another order of stages', async () => {
    assert.equal(await lockOf(project([...STAGES].reverse())), expected);
  });
  await t.test('another umask', async () => {
    const rig = project();
    assert.equal(await underUmask(rig, '077'), 0);
    assert.equal(rig.read('pipeline.lock'), expected);
  });
  await t.test('a folder with blanks, brackets and letters beyond ASCII', async () => {
    const folder = createRig().path('a [b] {c} é');
    mkdirSync(folder);
    assert.equal(await lockOf(rigAt(folder, { ...FILES, 'pipeline.yaml': pipeline(STAGES) })), expected);
  });
  await t.test('results from the run cache instead of runs', async () => {
    const rig = project();
    assert.equal(await lockOf(rig), expected);
    rig.remove('pipeline.lock');
    const ran = await rig.lockstep(['repro', '--json'], { env: NOW });
    assert.doesNotMatch(ran.stdout, /"stage-started"/);
    assert.equal(rig.read('pipeline.lock'), expected);
  });
  await t.test('params and pipeline written otherwise', async () => {
    const rig = project();
    rig.write(
      'params.yaml',
      '# other text, same values\nnested:\n  a: "\\u00fc"\n  b:\n    - 1\n    - 2\nbig: 123456789012345678901\nlr: 0.00001\n',
    );
    assert.equal(await lockOf(rig), expected);
  });
});
