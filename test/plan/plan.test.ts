import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PipelineError } from '../../src/base/error.ts';
import type { RelPath, StageLock, StageName } from '../../src/base/types.ts';
import { buildFingerprint } from '../../src/plan/fingerprint.ts';
import type { Graph } from '../../src/plan/graph.ts';
import { makePlan } from '../../src/plan/plan.ts';
import type { Facts } from '../../src/plan/plan.ts';
import { all, factsOf, graphOf, hashOf } from './rig.ts';

const CHAIN = `stages:
  a: { cmd: a, deps: [in.txt], outs: [a.txt] }
  b: { cmd: b, deps: [a.txt], outs: [b.txt] }
  c: { cmd: c, deps: [b.txt], outs: [c.txt] }
`;

function lockOf(graph: Graph, name: string, dep: string): StageLock {
  const stage = graph.stages.get(name as StageName);
  if (!stage) throw new Error(name);
  const deps = new Map(stage.deps.map((one) => [one.path as string, dep]));
  const path = `${name}.txt` as RelPath;
  return {
    fingerprint: buildFingerprint(stage, { deps, env: {} }),
    outs: [{ path, hash: hashOf(name), kind: 'file', size: 1 }],
    gates: [],
  };
}

function lockedChain(graph: Graph, input: string): ReadonlyMap<string, StageLock> {
  return new Map([
    ['a', lockOf(graph, 'a', input)],
    ['b', lockOf(graph, 'b', hashOf('a'))],
    ['c', lockOf(graph, 'c', hashOf('b'))],
  ]);
}

const verdicts = (graph: Graph, facts: Facts): readonly string[] =>
  makePlan(graph, all(graph), facts).judgements.map(
    ({ stage, decision }) => `${stage.name} ${decision.verdict}`,
  );

const present = (char: string): { kind: 'present'; hash: string; exec: boolean } => ({
  kind: 'present',
  hash: hashOf(char),
  exec: false,
});

test('a chain whose outs stand is skipped; a changed input runs the first stage and the others wait', () => {
  const graph = graphOf(CHAIN);
  const outs = { 'a.txt': present('a'), 'b.txt': present('b'), 'c.txt': present('c') };
  const locked = lockedChain(graph, hashOf('0'));
  const world = { outs, locked };
  assert.deepEqual(verdicts(graph, factsOf({ ...world, deps: { 'in.txt': hashOf('0') } })), [
    'a skip',
    'b skip',
    'c skip',
  ]);
  assert.deepEqual(verdicts(graph, factsOf({ ...world, deps: { 'in.txt': hashOf('1') } })), [
    'a run',
    'b wait',
    'c wait',
  ]);
});

test('what can be restored lets the stages behind it be judged before it is there', () => {
  const graph = graphOf(CHAIN);
  const locked = lockedChain(graph, hashOf('0'));
  const facts = factsOf({ deps: { 'in.txt': hashOf('0') }, locked, available: true });
  assert.deepEqual(verdicts(graph, facts), ['a restore', 'b restore', 'c restore']);
});

test('a folder around outs is hashed from the disk, so what reads it waits until they are there', () => {
  const graph = graphOf(`stages:
  a: { cmd: a, deps: [in.txt], outs: [made/a.txt] }
  b: { cmd: b, deps: [made], outs: [b.txt] }
`);
  const a = lockOf(graph, 'a', hashOf('0'));
  const outs = [{ path: 'made/a.txt' as RelPath, hash: hashOf('a'), kind: 'file', size: 1 } as const];
  const world = {
    deps: { 'in.txt': hashOf('0'), made: hashOf('5') },
    locked: new Map([
      ['a', { ...a, outs }],
      ['b', lockOf(graph, 'b', hashOf('5'))],
    ]),
    available: true,
  };
  assert.deepEqual(verdicts(graph, factsOf(world)), ['a restore', 'b wait']);
  const placed = { 'made/a.txt': present('a'), 'b.txt': present('b') };
  assert.deepEqual(verdicts(graph, factsOf({ ...world, outs: placed })), ['a skip', 'b skip']);
});

test('a dep of a stage that is not selected is read from the disk', () => {
  const graph = graphOf(CHAIN);
  const locked = lockedChain(graph, hashOf('0'));
  const only = { stages: new Set(['b' as StageName]), forced: new Set<StageName>() };
  const outs = { 'b.txt': present('b') };
  const judged = (deps: Readonly<Record<string, string>>): string | undefined =>
    makePlan(graph, only, factsOf({ deps, outs, locked })).judgements[0]?.decision.verdict;
  assert.equal(judged({ 'a.txt': hashOf('a') }), 'skip');
  assert.equal(judged({ 'a.txt': hashOf('e') }), 'run');
});

const told = (text: string, facts: Facts, stages?: readonly string[]): readonly unknown[] => {
  const graph = graphOf(text);
  const selection = { ...all(graph), ...(stages && { stages: new Set(stages as StageName[]) }) };
  return makePlan(graph, selection, facts).problems.map(({ code, message, hint, at }) => [
    code,
    message,
    hint,
    at?.map(({ line, column }) => `${line}:${column}`),
  ]);
};

test('a dep that nobody makes and that is not there is told with its place and the nearest out', () => {
  assert.deepEqual(
    told(CHAIN.replace('deps: [a.txt]', 'deps: [aa.txt]'), factsOf({ deps: { 'in.txt': hashOf('0') } })),
    [['dep.missing', 'stage "b" reads "aa.txt", which does not exist', 'did you mean "a.txt"?', ['3:23']]],
  );
  assert.deepEqual(told(CHAIN.replace('in.txt', 'far/away.csv'), factsOf({})), [
    [
      'dep.missing',
      'stage "a" reads "far/away.csv", which does not exist',
      'create the file; "lockstep pull" brings it when it is listed under data:',
      ['2:23'],
    ],
  ]);
});

test("a stage's own out is no suggestion for what it misses", () => {
  assert.deepEqual(
    told('stages:\n  s: { cmd: s, deps: [data/x.csv], outs: [data/y.csv] }\n', factsOf({})).map(
      (problem) => (problem as readonly unknown[])[2],
    ),
    ['create the file; "lockstep pull" brings it when it is listed under data:'],
  );
});

test('a dep inside a tracked input that is not here names the input', () => {
  assert.deepEqual(told(`data: [lists]\n${CHAIN.replace('in.txt', 'lists/a.txt')}`, factsOf({})), [
    [
      'dep.missing',
      'stage "a" reads "lists/a.txt", which is not in what is here of the tracked input "lists"',
      'run "lockstep pull --for a", or correct the path',
      ['3:23'],
    ],
  ]);
});

test('a dep inside a recorded input of which nothing is here is as its stage was recorded with', () => {
  const text = `data: [lists]\n${CHAIN.replace('in.txt', 'lists/a.txt')}`;
  const graph = graphOf(text);
  const locked = new Map([['a', lockOf(graph, 'a', hashOf('0'))]]);
  const [a] = makePlan(graph, all(graph), factsOf({ deps: { lists: hashOf('1') }, locked })).judgements;
  assert.deepEqual(
    [a?.decision.verdict, a?.decision.reasons],
    ['run', [{ kind: 'out-missing', path: 'a.txt' }]],
  );
  for (const facts of [
    factsOf({ locked }),
    factsOf({ deps: { lists: hashOf('1') } }),
    factsOf({ deps: { lists: hashOf('1') }, outs: { lists: present('1') }, locked }),
    // Which files there are is known: this one is not among them.
    { ...factsOf({ deps: { lists: hashOf('1') }, locked }), isListed: () => true },
  ])
    assert.deepEqual(
      makePlan(graph, all(graph), facts).problems.map(({ code }) => code),
      ['dep.missing'],
    );
});

test('a dep whose maker is not selected names the maker', () => {
  assert.deepEqual(told(CHAIN, factsOf({}), ['c']), [
    [
      'dep.missing',
      'stage "c" reads "b.txt", which does not exist',
      'stage "b" makes it: select that stage too, or run "lockstep pull"',
      ['4:23'],
    ],
  ]);
});

test('a dep inside an out that does not hold it names the out and its maker', () => {
  const text = `stages:
  a: { cmd: a, outs: [a.txt] }
  b: { cmd: b, deps: [a.txt/part], outs: [b.txt] }
`;
  const graph = graphOf(text);
  const facts = factsOf({
    locked: new Map([['a', lockOf(graph, 'a', '')]]),
    outs: { 'a.txt': present('a') },
  });
  assert.deepEqual(told(text, facts), [
    [
      'dep.missing',
      'stage "b" reads "a.txt/part", which is not in the "a.txt" that stage "a" made',
      'look what is in "a.txt", and correct the path or the stage that should write it',
      ['3:23', '2:23'],
    ],
  ]);
});

test('missing files of all stages are told at once, refused deps and missing modules too', () => {
  const text = `stages:
  a: { cmd: a, deps: [one.txt, link.txt], outs: [a.txt] }
  b: { run: stages/b.ts, outs: [b.txt] }
  c: { cmd: c, deps: [two.txt], outs: [c.txt] }
  d: { cmd: d, deps: [three.txt], outs: [d.txt], frozen: true }
`;
  const facts: Facts = {
    ...factsOf({}),
    depHash: (path) => {
      if (path !== 'link.txt') return undefined;
      throw new PipelineError('path.special', '"link.txt" is a symbolic link out of the project');
    },
    codeOf: (stage) => {
      if (stage.action.kind === 'shell') return undefined;
      throw new PipelineError('code.missing', 'gone', { at: stage.at });
    },
  };
  assert.deepEqual(
    told(text, facts).map((problem) => (problem as readonly unknown[])[0]),
    ['dep.missing', 'path.special', 'code.missing', 'dep.missing'],
  );
  assert.deepEqual((told(text, facts)[1] as readonly unknown[])[3], ['2:32']);
});

test('files that thousands of stages miss are all told, and the nearest out only of the first', () => {
  const stages = Array.from(
    { length: 3000 },
    (_, i) => `  s${i}: { cmd: s, deps: [prices-of-all.parquet, d${i}.csv], outs: [o${i + 1}.csv] }\n`,
  );
  const graph = graphOf(`stages:\n${stages.join('')}`);
  const { problems } = makePlan(graph, all(graph), factsOf({}));
  assert.equal(problems.length, 6000);
  const hinted = problems.filter(({ hint }) => hint?.startsWith('did you mean') === true);
  assert.ok(hinted.length > 0 && hinted.length < 60, `${hinted.length}`);
});

test('a bug in the facts is not taken for a problem of the user', () => {
  const broken: Facts = {
    ...factsOf({}),
    depHash: () => {
      throw new TypeError('a bug');
    },
  };
  assert.throws(() => makePlan(graphOf(CHAIN), all(graphOf(CHAIN)), broken), TypeError);
});
