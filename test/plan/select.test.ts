import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import { rankStages } from '../../src/plan/priority.ts';
import { selectStages } from '../../src/plan/select.ts';
import type { SelectOptions } from '../../src/plan/select.ts';
import type { StageName } from '../../src/base/types.ts';
import { all, graphOf } from './rig.ts';

const GRAPH = graphOf(`stages:
  fetch: { cmd: f, outs: [data/raw/] }
  clean: { cmd: c, deps: [data/raw/x.csv], outs: [data/clean.csv] }
  train:
    foreach: [us, eu]
    do: { cmd: "t \${item}", deps: [data/clean.csv], outs: ["models/\${item}.bin"] }
  report: { cmd: r, deps: [models], outs: [report.html] }
  aside: { cmd: a, outs: [aside.txt] }
`);

function select(targets: readonly string[], more: Partial<SelectOptions> = {}): readonly string[] {
  return [
    ...selectStages(GRAPH, {
      targets,
      folder: '',
      downstream: false,
      single: false,
      force: false,
      ...more,
    }).stages,
  ].sort();
}

test('no target selects everything', () => {
  assert.deepEqual(select([]), ['aside', 'clean', 'fetch', 'report', 'train@eu', 'train@us']);
});

const TABLE: readonly (readonly [readonly string[], Partial<SelectOptions>, readonly string[]])[] = [
  [['clean'], {}, ['clean', 'fetch']],
  [['train@us'], {}, ['clean', 'fetch', 'train@us']],
  [['train'], {}, ['clean', 'fetch', 'train@eu', 'train@us']],
  [['train'], { single: true }, ['train@eu', 'train@us']],
  [['clean'], { downstream: true }, ['clean', 'report', 'train@eu', 'train@us']],
  [['report.html'], { single: true }, ['report']],
  [['data/raw/x.csv'], { single: true }, ['fetch']],
  [['./data/raw/'], { single: true }, ['fetch']],
  [['models/'], { single: true }, ['train@eu', 'train@us']],
  [['aside', 'fetch'], {}, ['aside', 'fetch']],
  // A name is a name in any folder; a path is taken from the folder it is typed in.
  [['clean'], { folder: 'data', single: true }, ['clean']],
  [['clean.csv'], { folder: 'data', single: true }, ['clean']],
  [['../aside.txt'], { folder: 'data' }, ['aside']],
  [['../../aside.txt'], { folder: 'data/raw' }, ['aside']],
  [['.'], { folder: 'models', single: true }, ['train@eu', 'train@us']],
  [['us.bin', '../report.html'], { folder: 'models', single: true }, ['report', 'train@us']],
];

for (const [targets, more, stages] of TABLE) {
  test(`${targets.join(' ')} ${Object.entries(more).join(' ')} selects ${stages.join(' ')}`, () => {
    assert.deepEqual(select(targets, more), stages);
  });
}

test('a path from the root means nothing in another folder', () => {
  assert.throws(() => select(['report.html'], { folder: 'data' }), { code: 'stage.unknown' });
  assert.throws(() => select(['/report.html']), { code: 'stage.unknown' });
});

test('--force is about the targets only', () => {
  const options = { folder: '', downstream: false, single: false, force: true };
  assert.deepEqual([...selectStages(GRAPH, { ...options, targets: ['clean'] }).forced], ['clean']);
  assert.equal(selectStages(GRAPH, { ...options, targets: [] }).forced.size, 6);
});

const UNKNOWN: readonly (readonly [string, string | undefined])[] = [
  ['claen', 'did you mean "clean"?'],
  ['trian', 'did you mean "train"?'],
  ['train@su', 'did you mean "train@us"?'],
  ['nothing-like-it', 'known here: fetch, clean, train, train@us, train@eu, report, aside'],
];

for (const [word, hint] of UNKNOWN) {
  test(`the unknown stage "${word}" is refused with a hint`, () => {
    assert.throws(
      () => select([word]),
      (error: unknown) =>
        error instanceof PipelineError &&
        error.code === 'stage.unknown' &&
        error.exit === 2 &&
        error.problems[0].hint === hint,
    );
  });
}

test('a stage ranks by the longest path of durations to the end, itself included', () => {
  const durations = new Map([
    ['fetch', 10],
    ['clean', 20],
    ['train@us', 300],
    ['train@eu', 40],
    ['report', 5],
  ]);
  const ranks = rankStages(GRAPH, all(GRAPH).stages, durations);
  assert.deepEqual(Object.fromEntries(ranks), {
    aside: 1000,
    report: 5,
    'train@us': 305,
    'train@eu': 45,
    clean: 325,
    fetch: 335,
  });
  const few = rankStages(GRAPH, new Set(['fetch', 'clean'] as StageName[]), durations);
  assert.deepEqual(Object.fromEntries(few), { clean: 20, fetch: 30 });
});
