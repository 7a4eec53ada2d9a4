import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pipeline, RelPath, Stage, StageName } from '../../src/base/types.ts';
import { buildGraph } from '../../src/plan/graph.ts';
import { brief, pipelineOf } from '../read/rig.ts';
import { graphOf, joined } from './rig.ts';

const problemsOf = (text: string): readonly string[] => brief(buildGraph(pipelineOf(text)).problems);

test('stages are ordered after what they read from, else as in the file', () => {
  const graph = graphOf(`stages:
  z: { cmd: z, deps: [m.txt], outs: [z.txt] }
  a: { cmd: a, outs: [a.txt] }
  m: { cmd: m, deps: [a.txt], outs: [m.txt] }
  b: { cmd: b, outs: [b.txt] }
`);
  assert.deepEqual(graph.order, ['a', 'm', 'z', 'b']);
  assert.deepEqual(graph.upstream.get('z' as StageName), ['m']);
  assert.deepEqual(graph.downstream.get('a' as StageName), ['m']);
});

test('a dep inside an out folder, and a folder around several outs, are edges to their makers', () => {
  const graph = graphOf(`stages:
  one: { cmd: one, outs: [data/one/] }
  two: { cmd: two, outs: [data/deep/two.txt] }
  reads: { cmd: reads, deps: [data/one/part.csv], outs: [r.txt] }
  around: { cmd: around, deps: [data], outs: [s.txt] }
`);
  assert.deepEqual(graph.upstream.get('reads' as StageName), ['one']);
  assert.deepEqual(graph.upstream.get('around' as StageName), ['one', 'two']);
  assert.deepEqual(
    graph.makersOf('data').map((maker) => [maker.stage, maker.relation]),
    [
      ['one', 'around'],
      ['two', 'around'],
    ],
  );
  assert.deepEqual(graph.makersOf('dat'), []);
  assert.deepEqual(graph.makersOf('data/one-more'), []);
});

const REFUSED: readonly {
  readonly what: string;
  readonly text: string;
  readonly problems: readonly string[];
}[] = [
  {
    what: 'two stages that make one out',
    text: 'stages:\n  a: { cmd: a, outs: [x] }\n  b: { cmd: b, outs: [x/] }\n',
    problems: ['graph.duplicate-out 3:23'],
  },
  {
    what: 'an out inside another',
    text: 'stages:\n  a: { cmd: a, outs: [x/] }\n  b: { cmd: b, outs: [x/y/z] }\n',
    problems: ['graph.overlapping-outs 3:23'],
  },
  {
    what: 'nested outs of one stage',
    text: 'stages:\n  a: { cmd: a, outs: [x/y, x] }\n',
    problems: ['graph.overlapping-outs 2:23'],
  },
  {
    what: 'a stage that reads its own out',
    text: 'stages:\n  a: { cmd: a, deps: [x], outs: [x] }\n',
    problems: ['graph.self-cycle 2:23'],
  },
  {
    what: 'a stage that reads the folder around its own out',
    text: 'stages:\n  a: { cmd: a, deps: [x], outs: [x/y] }\n',
    problems: ['graph.self-cycle 2:23'],
  },
  {
    what: 'a stage that reads inside its own out',
    text: 'stages:\n  a: { cmd: a, deps: [x/y], outs: [x/] }\n',
    problems: ['graph.self-cycle 2:23'],
  },
  {
    what: 'data that a stage makes',
    text: 'data: [x]\nstages:\n  a: { cmd: a, outs: [x] }\n',
    problems: ['graph.data-is-out 1:8'],
  },
  {
    what: 'data inside an out',
    text: 'data: [x/y]\nstages:\n  a: { cmd: a, outs: [x/] }\n',
    problems: ['graph.data-is-out 1:8'],
  },
  {
    what: 'data around an out',
    text: 'data: [x]\nstages:\n  a: { cmd: a, outs: [x/y/z] }\n',
    problems: ['graph.data-is-out 1:8'],
  },
  {
    what: 'two circles that share no stage',
    text: `stages:
  a: { cmd: a, deps: [b.o], outs: [a.o] }
  b: { cmd: b, deps: [a.o], outs: [b.o] }
  c: { cmd: c, deps: [d.o], outs: [c.o] }
  d: { cmd: d, deps: [c.o], outs: [d.o] }
`,
    problems: ['graph.cycle 3:23', 'graph.cycle 5:23'],
  },
];

for (const { what, text, problems } of REFUSED) {
  test(`${what}: refused`, () => {
    assert.deepEqual(problemsOf(text), problems);
    assert.equal(buildGraph(pipelineOf(text)).graph, undefined);
  });
}

test('a cycle is named whole, in the direction of the data, with the place of each edge', () => {
  const { problems } = buildGraph(
    pipelineOf(`stages:
  start: { cmd: s, outs: [s.o] }
  one: { cmd: one, deps: [s.o, three.o], outs: [one.o] }
  two: { cmd: two, deps: [one.o], outs: [two.o] }
  three: { cmd: three, deps: [two.o], outs: [three.o] }
  after: { cmd: after, deps: [two.o], outs: [after.o] }
`),
  );
  assert.equal(problems.length, 1);
  assert.equal(problems[0]?.message, 'stages wait for each other: "two" → "three" → "one" → "two"');
  assert.deepEqual(
    problems[0]?.at?.map((at) => at.line),
    [4, 5, 3],
  );
});

/** A pipeline without a text: 100,000 stages would take a reader longer than the graph. */
function chain(length: number, depOf: (index: number) => readonly number[]): Pipeline {
  const [template] = pipelineOf('stages:\n  s: { cmd: s, deps: [d], outs: [o] }\n').stages;
  if (!template) throw new Error('no template');
  const stages = Array.from({ length }, (_, index): Stage => ({
    ...template,
    name: `s${index}` as StageName,
    deps: depOf(index).map((dep) => ({ path: `out/${dep}` as RelPath, at: template.at })),
    outs: template.outs.map((out) => ({ ...out, path: `out/${index}` as RelPath })),
  }));
  return { name: 'big', hash: 'sha256', stages, data: [], pools: {} };
}

test('a chain of 100,000 stages, written last first, has an order', () => {
  const graph = joined(chain(100_000, (index) => (index === 99_999 ? [] : [index + 1])));
  assert.equal(graph.order.length, 100_000);
  assert.equal(graph.order[0], 's99999');
  assert.equal(graph.order.at(-1), 's0');
});

test('a circle of 100,000 stages is told as one', () => {
  const { problems } = buildGraph(chain(100_000, (index) => [(index + 1) % 100_000]));
  assert.deepEqual(
    problems.map((problem) => [problem.code, problem.at?.length]),
    [['graph.cycle', 50]],
  );
  assert.match(
    problems[0]?.message ?? '',
    /^stages wait for each other: "s99999" → "s99998" → .* → \(99951 more\) → .* → "s0" → "s99999"$/,
  );
});

test('a dep that no stage makes has no maker and no edge', () => {
  const graph = graphOf('stages:\n  a: { cmd: a, deps: [plain.txt], outs: [a.o] }\n');
  assert.deepEqual(graph.makersOf('plain.txt'), []);
  assert.deepEqual(graph.upstream.get('a' as StageName), []);
});

test('who owns an out, and which tracked inputs stand at, around or inside a path, is known', () => {
  const graph = graphOf(
    'data: [d/a, d/b.csv, e]\nstages: { s: { cmd: s, outs: [out/x] }, t: { cmd: t, deps: [d], outs: [y] } }\n',
  );
  assert.deepEqual(
    ['out/x', 'out', 'out/x/1', 'd/a', 'y'].map((path) => graph.ownerOf(path)?.name),
    ['s', undefined, undefined, undefined, 't'],
  );
  const near = {
    d: ['d/a', 'd/b.csv'],
    'd/a': ['d/a'],
    'd/a/1/2': ['d/a'],
    'd/a1': [],
    e: ['e'],
    'e/x': ['e'],
  };
  for (const [path, inputs] of Object.entries(near)) assert.deepEqual(graph.dataNear(path), inputs, path);
  assert.deepEqual(
    ['d', 'd/a', 'd/a/1/2', 'd/a1', 'e/x'].map((path) => graph.dataAround(path)),
    [undefined, 'd/a', 'd/a', undefined, 'e'],
  );
});
