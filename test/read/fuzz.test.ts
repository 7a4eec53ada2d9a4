import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatProblems } from '../../src/base/problem-text.ts';
import { readPipeline } from '../../src/read/pipeline.ts';
import { readRemotes } from '../../src/read/remotes.ts';
import { createSeeded } from '../crash/seeded.ts';
import { toLoad } from './rig.ts';

const PIPELINE = `name: demo
params: [params.yaml, more.json]
vars: [{ who: { am: i } }]
pools: { net: 2 }
data: [in.csv, { path: big/, push: false }]
schedule: { cron: "0 6 * * 1-5", tz: Asia/Kolkata }
stages:
  a: &base
    run: stages/a.ts
    refresh: { every: 7d, as_of: "\${as_of}" }
    params: [x.y, { more.json: [z] }]
    deps: { in: in.csv }
    outs: { o: a/, m: { path: m.json, metric: true, cache: false } }
    retry: { attempts: 3, delay: 1s, factor: 2 }
    gates: { m: { rate: { min: 0.5 } } }
    env: [MARKET]
    secrets: [TOKEN]
    pool: net
    timeout: 15m
  each:
    foreach: [p, { q: 1 }]
    do: { cmd: 'go \${item} \${opts} \\\${HOME}', wdir: sub, outs: ["\${key}.bin"] }
  grid:
    matrix: { u: [1, 2], v: "\${list}" }
    cmd: ["go \${item.u}", "\${who.am}"]
    meta: { <<: *base, 数: "价格" }
`;
const FILES: Readonly<Record<string, string>> = {
  'pipeline.yaml': PIPELINE,
  'params.yaml': 'as_of: now\nx: { y: 1 }\nopts: { a: [1, two] }\nlist: [1.0, true]\n',
  'more.json': '{"z": [1, {"w": null}]}\n',
  'remotes.yaml':
    'default: a\nremotes:\n  a: { url: "s3://b/${env:X}", token: "${env:T}" }\n  b: { url: ../c, n: 1 }\n',
};
const SNIPPETS = [
  '${',
  '}',
  '\\${',
  '${x}',
  '${x.y',
  '${opts}',
  '${item',
  ': ',
  ' - ',
  '\n',
  '\n\n',
  '\t',
  '[',
  ']',
  '{',
  '}',
  '"',
  "'",
  '&a ',
  '*a',
  '*base',
  '<<: ',
  '!!x ',
  '|\n',
  '>\n',
  '---\n',
  '#',
  '~',
  'null',
  'true',
  '.inf',
  '-1',
  '99999999999999999999',
  '1e400',
  '../',
  '/',
  '\\',
  '\0',
  '\u2028',
  '\ud800',
  '日本',
  '@',
  'foreach: ',
  'do: ',
  'matrix: ',
  'run: ',
  'cmd: ',
  '<<<<<<< x\n',
  '>>>>>>> y\n',
  '__proto__: ',
  'constructor: ',
  '\r',
  '\ufeff',
  '0d',
  '7d',
  '2024-02-30',
];

function mutate(text: string, random: (below: number) => number): string {
  const at = random(text.length + 1);
  const other = random(text.length + 1);
  const [from, to] = [Math.min(at, other), Math.max(at, other)];
  const lines = text.split('\n');
  switch (random(7)) {
    case 0:
      return text.slice(0, at) + SNIPPETS[random(SNIPPETS.length)] + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(at + 1 + random(6));
    case 2:
      return text.slice(0, at) + text.slice(from, Math.min(to, from + 40)) + text.slice(at);
    case 3:
      lines.splice(random(lines.length), 1);
      return lines.join('\n');
    case 4:
      lines.splice(random(lines.length), 0, lines[random(lines.length)] ?? '');
      return lines.join('\n');
    case 5:
      // One word becomes another word of the file: names stay plausible, meanings do not.
      return text.replace(/\w+/g, (word, offset: number) =>
        offset >= at && offset < at + 12 ? (/\w+/.exec(text.slice(other))?.[0] ?? '') : word,
      );
    default:
      return text.slice(0, at) + String.fromCharCode(random(0x180)) + text.slice(at + 1);
  }
}

test('the unmutated files are valid, so that mutations reach every corner', () => {
  assert.deepEqual(readPipeline({ load: toLoad(FILES) }).problems, []);
  assert.deepEqual(readRemotes({ load: toLoad(FILES), env: () => 'v' }).problems, []);
});

test('no mutation of valid files throws: there is a pipeline, or problems with places that can be shown', () => {
  const names = Object.keys(FILES);
  let broken = 0;
  for (let seed = 1; seed <= 1200; seed++) {
    const seeded = createSeeded(seed);
    const random = (below: number): number => seeded.below(below);
    const files: Record<string, string> = { ...FILES };
    for (let i = 1 + random(4); i > 0; i--) {
      const name = names[random(3) > 0 ? 0 : random(names.length)] ?? '';
      files[name] = mutate(files[name] ?? '', random);
    }
    const load = toLoad(files);
    const readLine = (file: string, line: number): string | undefined => files[file]?.split('\n')[line - 1];
    const pipeline = readPipeline({ load });
    const remotes = readRemotes({ load, env: (name) => (name === 'X' ? 'v' : undefined) });
    assert.equal(pipeline.pipeline === undefined, pipeline.problems.length > 0, `seed ${seed}`);
    if (pipeline.problems.length > 0) broken++;
    for (const problem of [...pipeline.problems, ...remotes.problems]) {
      for (const at of problem.at ?? []) {
        assert.ok(at.line >= 1 && at.column >= 1 && at.length >= 1, `seed ${seed}: ${problem.code}`);
        const line = readLine(at.file, at.line);
        assert.ok(
          line !== undefined && at.column <= line.length + 1,
          `seed ${seed}: ${problem.code} at ${at.file}:${at.line}:${at.column}`,
        );
      }
      assert.ok(formatProblems([problem], readLine).startsWith(`error[${problem.code}]: `), `seed ${seed}`);
      assert.ok(
        !/undefined|\[object|NaN/.test(problem.message.replace(/"[^"]*"/g, '')),
        `seed ${seed}: ${problem.message}`,
      );
    }
  }
  // Most mutations break something, and some do not: else the test would look at one side only.
  assert.ok(broken > 300 && broken < 1150, `${broken} of 1200 broken`);
});
