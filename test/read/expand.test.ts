import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brief, pipelineOf, type Project, read } from './rig.ts';

function commands(text: string, others: Project = {}): readonly (readonly [string, unknown])[] {
  return pipelineOf(`stages:\n${text}`, others).stages.map(({ name, action }) => [
    name,
    action.kind === 'shell' ? action.cmd : undefined,
  ]);
}

test('foreach over scalars names its stages by their text, and key is that text', () => {
  assert.deepEqual(
    commands('  a:\n    foreach: [x, true, 0.10, 3, null]\n    do: { cmd: "go ${item} ${key}" }\n'),
    [
      ['a@x', 'go x x'],
      ['a@true', 'go true true'],
      ['a@0.1', 'go 0.1 0.1'],
      ['a@3', 'go 3 3'],
      ['a@None', 'go None None'],
    ],
  );
});

test('foreach over a list with any map or list in it counts from 0, and key is the number', () => {
  assert.deepEqual(
    commands('  a:\n    foreach: [{ n: p }, { n: q }]\n    do: { cmd: "go ${key} ${item.n}" }\n'),
    [
      ['a@0', 'go 0 p'],
      ['a@1', 'go 1 q'],
    ],
  );
});

test('foreach over a map names its stages by key', () => {
  assert.deepEqual(
    commands('  a:\n    foreach: { us: { n: 1 }, uk: { n: 2 } }\n    do: { cmd: "go ${key} ${item.n}" }\n'),
    [
      ['a@us', 'go us 1'],
      ['a@uk', 'go uk 2'],
    ],
  );
});

test('foreach takes its values from the params, in their order, and an empty list gives no stage', () => {
  const others = { 'params.yaml': 'names: [b, a]\nnone: []\n' };
  assert.deepEqual(
    commands(
      '  s:\n    foreach: ${names}\n    do: { cmd: "go ${item}" }\n  e:\n    foreach: ${none}\n    do: { cmd: go }\n',
      others,
    ),
    [
      ['s@b', 'go b'],
      ['s@a', 'go a'],
    ],
  );
});

test('item hides a parameter of the same name inside its stage only', () => {
  const others = { 'params.yaml': 'item: outer\n' };
  assert.deepEqual(
    commands('  s:\n    foreach: [in]\n    do: { cmd: "go ${item}" }\n  t: { cmd: "go ${item}" }\n', others),
    [
      ['s@in', 'go in'],
      ['t', 'go outer'],
    ],
  );
});

test('a matrix is the product of its lists in written order, the last one fastest', () => {
  assert.deepEqual(
    commands('  g:\n    matrix: { x: [b, a], y: [1, 2] }\n    cmd: go ${item.x} ${item.y} ${key}\n'),
    [
      ['g@b-1', 'go b 1 b-1'],
      ['g@b-2', 'go b 2 b-2'],
      ['g@a-1', 'go a 1 a-1'],
      ['g@a-2', 'go a 2 a-2'],
    ],
  );
});

test('composite values of a matrix are named by variable and index', () => {
  const others = { 'params.yaml': 'models: [{ n: p, lr: 0.1 }, { n: q, lr: 0.2 }]\n' };
  assert.deepEqual(
    commands('  g:\n    matrix: { m: "${models}", f: [x] }\n    cmd: go ${item.m.n} ${item.m.lr}\n', others),
    [
      ['g@m0-x', 'go p 0.1'],
      ['g@m1-x', 'go q 0.2'],
    ],
  );
});

test('a fault of the template is told once, not once per instance', () => {
  const problems = read(
    'stages:\n  a:\n    foreach: [x, y, z]\n    do: { cmd: "go ${nope}", timout: 3s }\n',
  ).problems;
  assert.deepEqual(brief(problems), ['template.missing 4:20', 'pipeline.unknown-key 4:30']);
});

test('foreach stands alone beside do', () => {
  assert.deepEqual(
    brief(read('stages:\n  a:\n    foreach: [x]\n    matrix: { y: [1] }\n    do: { cmd: go }\n').problems),
    ['stage.foreach 4:5'],
  );
  assert.deepEqual(
    brief(read('stages:\n  a:\n    foreach: [x]\n    do: { matrix: { y: [1] }, cmd: go }\n').problems),
    ['stage.foreach 4:11'],
  );
});

test('instances and written names that meet are told', () => {
  assert.deepEqual(
    brief(read('stages:\n  a:\n    foreach: [true, "true"]\n    do: { cmd: go }\n').problems),
    ['stage.duplicate 3:21'],
  );
});

test('a matrix that explodes is refused before it does', () => {
  const axis = Array.from({ length: 50 }, (_, i) => i).join(', ');
  const text = `stages:\n  a:\n    matrix: { a: [${axis}], b: [${axis}], c: [${axis}], d: [${axis}] }\n    cmd: go\n`;
  assert.deepEqual(
    read(text).problems.map(({ code }) => code),
    ['stage.matrix'],
  );
});
