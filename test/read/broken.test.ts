import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatProblems } from '../../src/base/problem-text.ts';
import { buildGraph } from '../../src/plan/graph.ts';
import { readPipeline } from '../../src/read/pipeline.ts';
import { readRemotes } from '../../src/read/remotes.ts';

const FOLDER = join(import.meta.dirname, '../broken');
const names = readdirSync(FOLDER).sort();

test('the corpus of broken files is there', () => {
  assert.ok(names.length >= 60, `${names.length} folders`);
  assert.equal(new Set(names.map((name) => name.slice(0, 3))).size, names.length, 'a number is used twice');
});

for (const name of names) {
  test(`broken ${name} is told in full`, () => {
    const load = (path: string): Uint8Array | undefined => {
      const file = join(FOLDER, name, path);
      return existsSync(file) ? readFileSync(file) : undefined;
    };
    const pipeline = readPipeline({ load });
    const remotes = readRemotes({ load, env: () => undefined });
    const ofRemotes = Object.values(remotes.remotes?.remotes ?? {}).flatMap((remote) => remote.problem ?? []);
    // A graph is made of a pipeline that could be read.
    const ofGraph = pipeline.pipeline ? buildGraph(pipeline.pipeline).problems : [];
    const problems = [...pipeline.problems, ...ofGraph, ...remotes.problems, ...ofRemotes];
    const readLine = (file: string, line: number): string | undefined =>
      Buffer.from(load(file) ?? [])
        .toString('utf8')
        .split('\n')[line - 1];
    assert.equal(
      formatProblems(problems, readLine),
      readFileSync(join(FOLDER, name, 'expected.txt'), 'utf8'),
    );
    assert.equal(pipeline.pipeline === undefined, pipeline.problems.length > 0);
  });
}
