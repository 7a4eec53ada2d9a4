import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reason } from '../../src/base/reason.ts';
import { formatReason } from '../../src/base/reason.ts';
import type { Fingerprint, Json } from '../../src/base/types.ts';
import { compareFingerprints } from '../../src/plan/compare.ts';
import { hashOf } from './rig.ts';

const BASE: Fingerprint = {
  action: { run: 'stages/a.ts' },
  api: 1,
  params: { 'params.yaml': { lr: 0.1, layers: [64, 32], big: 12345678901234567890n } },
  deps: [{ path: 'in.txt', hash: hashOf('a'), name: 'text' }],
  code: { 'stages/a.ts': 'ast1:1', 'stages/lib.ts': 'ast1:2', 'stages/deep.ts': 'ast1:3' },
  packages: 'sha256:1',
  env: { MODE: 'sha256:1' },
  tick: '2026-03-16T00:00:00.000Z',
  outs: [{ path: 'out.txt', name: 'out' }],
};

const IMPORTERS = { 'stages/lib.ts': 'stages/a.ts', 'stages/deep.ts': 'stages/lib.ts' };

const reasons = (to: Partial<Fingerprint>, from: Partial<Fingerprint> = {}): readonly Reason[] =>
  compareFingerprints({ ...BASE, ...from }, { ...BASE, ...to }, IMPORTERS);

const TABLE: readonly { readonly to: Partial<Fingerprint>; readonly said: readonly string[] }[] = [
  { to: {}, said: [] },
  {
    to: { action: { run: 'stages/b.ts' } },
    said: ['command changed: "stages/a.ts" → "stages/b.ts"'],
  },
  {
    to: { action: { run: 'stages/a.ts', hermetic: false } },
    said: ['command changed: "stages/a.ts" → {"hermetic":false,"run":"stages/a.ts"}'],
  },
  {
    to: { params: { 'params.yaml': { lr: 0.2, layers: [64, 32], big: 12345678901234567890n } } },
    said: ['param lr changed: 0.1 → 0.2'],
  },
  {
    to: { params: { 'params.yaml': { lr: 0.1, layers: [32, 64], big: 12345678901234567890n } } },
    said: ['param layers changed: [64,32] → [32,64]'],
  },
  {
    to: { params: { 'params.yaml': { lr: 0.1, layers: [64, 32], big: 12345678901234567891n } } },
    said: ['param big changed: 12345678901234567890 → 12345678901234567891'],
  },
  {
    to: { params: { 'params.yaml': { lr: 0.1, layers: [64, 32] }, 'more.json': { '': { x: 1 } } } },
    said: ['param big removed', 'param more.json added: {"x":1}'],
  },
  {
    to: { deps: [{ path: 'in.txt', hash: hashOf('b'), name: 'text' }] },
    said: ['dep in.txt modified'],
  },
  { to: { deps: [{ path: 'in.txt', hash: hashOf('a'), name: 'txt' }] }, said: ['dep in.txt renamed'] },
  {
    to: { deps: [{ path: 'other.txt', hash: hashOf('a') }] },
    said: ['dep in.txt removed', 'dep other.txt added'],
  },
  {
    to: { deps: [...BASE.deps, { path: 'in.txt', hash: hashOf('a'), name: 'txt' }] },
    said: ['dep in.txt renamed'],
  },
  { to: { params: { ...BASE.params, 'more.json': {} } }, said: ['recorded in another form'] },
  {
    to: { code: { ...BASE.code, 'stages/deep.ts': 'ast1:9' } },
    said: ['code stages/deep.ts modified (via stages/lib.ts)'],
  },
  {
    to: { code: { 'stages/a.ts': 'ast1:1', 'stages/lib.ts': 'ast1:2', 'stages/new.ts': 'ast1:4' } },
    said: ['code stages/deep.ts removed (via stages/lib.ts)', 'code stages/new.ts added'],
  },
  {
    to: { deps: [{ path: 'in.txt', hash: `md5:${'a'.repeat(32)}`, name: 'text' }] },
    said: [
      'recorded with another hash algorithm ("lockstep commit" takes over what is here without running)',
    ],
  },
  { to: { packages: 'sha256:2' }, said: ['an imported package changed'] },
  { to: { env: { MODE: 'sha256:2' } }, said: ['env MODE changed'] },
  {
    to: { tick: '2026-03-23T00:00:00.000Z' },
    said: ['refreshed: 2026-03-16T00:00:00.000Z → 2026-03-23T00:00:00.000Z'],
  },
  { to: { outs: [{ path: 'out.txt', name: 'o' }] }, said: ['out out.txt redeclared in pipeline.yaml'] },
  {
    to: { outs: [{ path: 'out.txt/', name: 'out' }] },
    said: ['out out.txt removed in pipeline.yaml', 'out out.txt/ added in pipeline.yaml'],
  },
];

for (const { to, said } of TABLE) {
  test(`compared: ${said.join('; ') || 'equal fingerprints have no reasons'}`, () => {
    assert.deepEqual(reasons(to).map(formatReason), said);
  });
}

test('a value that a stage takes twice, alone and with its section, is told once', () => {
  const params = (d: number): Fingerprint['params'] => ({ 'params.yaml': { b: { d }, 'b.d': d } });
  assert.deepEqual(reasons({ params: params(2) }, { params: params(1) }).map(formatReason), [
    'param b.d changed: 1 → 2',
  ]);
});

test('of sections each value that differs is told, however deep, and a section that became another kind whole', () => {
  const of = (size: Json, whole: Json): Partial<Fingerprint> => ({
    params: { 'params.yaml': { model: { name: 'm', size } }, 'more.json': { '': whole } },
  });
  const from = of({ depth: 3, width: 1, old: true }, { x: 1 });
  assert.deepEqual(reasons(of({ depth: 4, width: 1, new: null }, { x: 2 }), from).map(formatReason), [
    'param model.size.depth changed: 3 → 4',
    'param model.size.old removed',
    'param model.size.new added: null',
    'param x changed: 1 → 2',
  ]);
  assert.deepEqual(reasons(of([3, 1], { x: 1 }), from).map(formatReason), [
    'param model.size changed: {"depth":3,"old":true,"width":1} → [3,1]',
  ]);
});

test('a fingerprint without optional parts differs from one with them in each of them', () => {
  const { action, params, deps, outs } = BASE;
  const bare: Fingerprint = { action, params, deps, outs };
  assert.deepEqual(compareFingerprints(BASE, bare).map(formatReason), [
    'stage API changed',
    'code stages/a.ts removed',
    'code stages/lib.ts removed',
    'code stages/deep.ts removed',
    'an imported package changed',
    'env MODE changed',
    'no longer refreshed',
  ]);
});

test('parameters and files named like properties of every object are compared like all others', () => {
  const names = ['constructor', '__proto__', 'toString', 'hasOwnProperty'];
  const of = (entries: readonly (readonly [string, string])[]): Record<string, string> =>
    Object.fromEntries(entries);
  for (const name of names) {
    const added = reasons(
      { params: { 'params.yaml': of([[name, 'x']]) } },
      { params: { 'params.yaml': {} } },
    );
    assert.deepEqual(added.map(formatReason), [`param ${name} added: "x"`]);
    const same = of([[name, 'x']]);
    assert.deepEqual(
      reasons({ params: { [name]: same } }, { params: Object.fromEntries([[name, same]]) }).map(formatReason),
      [],
    );
    assert.deepEqual(reasons({ code: of([[name, '1']]) }, { code: {} }).map(formatReason), [
      `code ${name} added`,
    ]);
  }
});

test('integers beyond a double compare by their digits, and 1 equals 1.0', () => {
  const params = (value: number | bigint): Partial<Fingerprint> => ({
    params: { 'params.yaml': { n: value } },
  });
  assert.deepEqual(reasons(params(1), params(1.0)), []);
  assert.equal(reasons(params(9007199254740993n), params(9007199254740992)).length, 1);
});

test('the order of keys is no difference; a missing key, another length or another kind is', () => {
  const from = { params: { 'p.yaml': { a: { x: 1, y: [1, 2] }, b: null } } };
  const told = (a: Json, b: Json = null): number => reasons({ params: { 'p.yaml': { b, a } } }, from).length;
  assert.equal(told({ y: [1, 2], x: 1 }), 0);
  for (const a of [{ x: 1, y: [1, 2, 3] }, { x: 1, y: { 0: 1, 1: 2 } }, { x: 1, y: [1, 2], z: 0 }, { x: 1 }])
    assert.equal(told(a), 1, JSON.stringify(a));
  assert.equal(told({ x: 1, y: [1, 2] }, {}), 1);
});
