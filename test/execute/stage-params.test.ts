import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Json, ParamRef, RelPath, Stage } from '../../src/base/types.ts';
import { nestParams } from '../../src/execute/stage-params.ts';

const LIST = [{ x: 1 }, { x: 2 }];
const SELECTIONS: readonly (readonly [params: Readonly<Record<string, Json>>, nested: Json])[] = [
  [{ 'a.b': 1, 'a.c': 2 }, { a: { b: 1, c: 2 } }],
  [{ a: { b: 1, c: 2 }, 'a.b': 1 }, { a: { b: 1, c: 2 } }],
  [{ l: LIST, 'l.0': LIST[0] ?? null }, { l: LIST }],
  [{ 'l.0': LIST[0] ?? null, l: LIST }, { l: LIST }],
  [{ 'a.l': LIST, 'a.l.1.x': 2 }, { a: { l: LIST } }],
];

for (const [params, nested] of SELECTIONS) {
  test(`a module that selects ${Object.keys(params).join(' and ')} gets them as they stand in the file`, () => {
    const at = { file: 'pipeline.yaml', line: 1, column: 1, length: 1 };
    const refs = Object.entries(params).map(([key, value]): ParamRef => ({
      file: 'params.yaml' as RelPath,
      key,
      value,
      at,
    }));
    assert.deepEqual(nestParams({ params: refs } as unknown as Stage), nested);
  });
}
