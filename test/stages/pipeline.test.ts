import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readPipeline } from '../../src/read/pipeline.ts';

const root = join(import.meta.dirname, '..', '..');
const FILES = ['pipeline.yaml', 'params.yaml'];

const reading = readPipeline({
  load: (path) => (FILES.includes(path) ? readFileSync(join(root, path)) : undefined),
});

test('the pipeline of the project has no problem and reads only its two files', () => {
  assert.deepEqual(reading.problems, []);
  assert.deepEqual([...reading.files].sort(), [...FILES].sort());
});

test('every dep of a stage is an out of an earlier one, and no two outs share a path', () => {
  const made = new Set<string>();
  for (const { deps, outs } of reading.pipeline?.stages ?? []) {
    for (const { path } of deps) assert.ok(made.has(path), path);
    for (const { path } of outs) {
      assert.ok(!made.has(path), path);
      made.add(path);
    }
  }
  assert.equal(made.size, 12);
});

test('a clone runs without a network and without a clock', () => {
  const stages = reading.pipeline?.stages ?? [];
  const sources = stages.flatMap(({ params }) => params.filter(({ key }) => key === 'source'));
  assert.deepEqual(
    sources.map(({ value }) => value),
    ['simulated', 'simulated'],
  );
  assert.deepEqual(
    stages.map(({ refresh }) => refresh?.asOf),
    ['2026-03-17', '2026-03-17', undefined],
  );
  const text = readFileSync(join(root, 'params.yaml'), 'utf8');
  assert.equal(text.match(/^\s*source:/gm)?.length, 1);
  assert.equal(text.match(/^\s*as_of:/gm)?.length, 1);
});

test('a fetch that lost more than a fifth of the stocks is gated', () => {
  const fetched = reading.pipeline?.stages.find(({ name }) => name === 'fetch');
  assert.deepEqual(
    fetched?.policy.gates.map(({ out, key, min }) => [out, key, min]),
    [
      ['reports/fetch_report.json', 'success_rate', 0.8],
      ['reports/fetch_report.json', 'stocks_successful', 25],
    ],
  );
});
