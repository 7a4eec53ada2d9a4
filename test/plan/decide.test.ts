import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Reason } from '../../src/base/reason.ts';
import type { Artifact, ContentHash, RelPath, Stage, StageLock } from '../../src/base/types.ts';
import { decide, gateTexts, isFresh } from '../../src/plan/decide.ts';
import type { Recorded, Seen, SeenOut } from '../../src/plan/decide.ts';
import { buildFingerprint } from '../../src/plan/fingerprint.ts';
import { stageOf } from '../read/rig.ts';
import { hashOf } from './rig.ts';

const BODY = 'cmd: make\ndeps: [in.txt]\nouts: [out.txt]';

const artifact = (path: string, hash: ContentHash = hashOf('1'), more: Partial<Artifact> = {}): Artifact => ({
  path: path as RelPath,
  hash,
  kind: 'file',
  size: 1,
  ...more,
});

function resultOf(
  stage: Stage,
  dep: string = hashOf('a'),
  outs: readonly Artifact[] = [artifact('out.txt')],
): StageLock {
  const deps = new Map(stage.deps.map((one) => [one.path as string, dep]));
  return { fingerprint: buildFingerprint(stage, { deps, env: {} }), outs, gates: gateTexts(stage) };
}

const PRESENT: SeenOut = { kind: 'present', hash: hashOf('1'), exec: false };

interface Case {
  readonly what: string;
  readonly body?: string;
  readonly seen?: Partial<Seen>;
  readonly out?: SeenOut;
  /** `same`: the lock holds this very fingerprint; `old`: one with another dep; `edited`: what no checksum vouches for; `none`: nothing. */
  readonly locked?: 'same' | 'old' | 'edited' | 'none';
  readonly lockedOuts?: readonly Artifact[];
  readonly recalled?: readonly Artifact[];
  readonly available?: boolean;
  readonly verdict: string;
  readonly reasons: readonly Reason[];
}

const CHANGED: Reason = { kind: 'dep-changed', path: 'in.txt', change: 'modified' };

const CASES: readonly Case[] = [
  { what: 'nothing differs', verdict: 'skip', reasons: [{ kind: 'fresh' }] },
  { what: 'never run', locked: 'none', verdict: 'run', reasons: [{ kind: 'never-run' }] },
  {
    what: 'never run here, known to the run cache',
    locked: 'none',
    recalled: [artifact('out.txt')],
    verdict: 'restore',
    reasons: [{ kind: 'never-run' }],
  },
  {
    what: 'an entry that was edited',
    locked: 'edited',
    available: true,
    verdict: 'run',
    reasons: [{ kind: 'record-edited' }],
  },
  {
    what: 'an entry that was edited, of a result that the run cache knows',
    locked: 'edited',
    recalled: [artifact('out.txt')],
    verdict: 'restore',
    reasons: [{ kind: 'record-edited' }],
  },
  { what: 'a changed dep', locked: 'old', verdict: 'run', reasons: [CHANGED] },
  {
    what: 'a changed dep that was seen before',
    locked: 'old',
    recalled: [artifact('out.txt', hashOf('2'))],
    verdict: 'restore',
    reasons: [CHANGED],
  },
  {
    what: 'an entry of the run cache that names other outs',
    locked: 'old',
    recalled: [artifact('src/main.ts')],
    verdict: 'run',
    reasons: [CHANGED],
  },
  {
    what: 'an entry of the run cache that names more outs',
    locked: 'old',
    recalled: [artifact('out.txt'), artifact('src/main.ts')],
    verdict: 'run',
    reasons: [CHANGED],
  },
  {
    what: 'a persistent out, whatever the run cache has',
    body: 'cmd: make\ndeps: [in.txt]\nouts:\n  - out.txt: { persist: true }',
    locked: 'old',
    recalled: [artifact('out.txt')],
    verdict: 'run',
    reasons: [CHANGED],
  },
  {
    what: 'a missing out whose bytes are here',
    out: { kind: 'missing' },
    available: true,
    verdict: 'restore',
    reasons: [{ kind: 'out-missing', path: 'out.txt' }],
  },
  {
    what: 'a missing out whose bytes are gone',
    out: { kind: 'missing' },
    verdict: 'run',
    reasons: [{ kind: 'out-missing', path: 'out.txt' }],
  },
  {
    what: 'an out that was edited',
    out: { kind: 'present', hash: hashOf('9'), exec: false },
    available: true,
    verdict: 'restore',
    reasons: [{ kind: 'out-changed', path: 'out.txt' }],
  },
  {
    what: 'an out that became executable',
    out: { kind: 'present', hash: hashOf('1'), exec: true },
    available: true,
    verdict: 'restore',
    reasons: [{ kind: 'out-changed', path: 'out.txt' }],
  },
  {
    what: 'an out that is now a link',
    out: { kind: 'refused' },
    verdict: 'run',
    reasons: [{ kind: 'out-changed', path: 'out.txt' }],
  },
  {
    what: 'a lock that was edited to name an out the stage does not have',
    lockedOuts: [artifact('out.txt'), artifact('src/main.ts')],
    available: true,
    verdict: 'run',
    reasons: [{ kind: 'outs-changed', path: 'src/main.ts', change: 'removed' }],
  },
  {
    what: 'a lock that was edited to leave an out away',
    lockedOuts: [],
    available: true,
    verdict: 'run',
    reasons: [{ kind: 'outs-changed', path: 'out.txt', change: 'added' }],
  },
  {
    what: 'outs recorded with another hash algorithm',
    lockedOuts: [artifact('out.txt', `md5:${'1'.repeat(32)}`)],
    available: true,
    verdict: 'run',
    reasons: [{ kind: 'algorithm-changed' }],
  },
  { what: 'forced', seen: { forced: true }, verdict: 'run', reasons: [{ kind: 'forced' }] },
  {
    what: 'waiting for an upstream, even if forced',
    seen: { waitsFor: ['up'], forced: true },
    verdict: 'wait',
    reasons: [{ kind: 'upstream', stage: 'up' }],
  },
  { what: 'always', body: `${BODY}\nalways: true`, verdict: 'run', reasons: [{ kind: 'always' }] },
  {
    what: 'always, with a change',
    body: `${BODY}\nalways: true`,
    locked: 'old',
    recalled: [artifact('out.txt')],
    verdict: 'run',
    reasons: [CHANGED],
  },
  { what: 'frozen', body: `${BODY}\nfrozen: true`, verdict: 'skip', reasons: [{ kind: 'frozen' }] },
  {
    what: 'frozen, with a change',
    body: `${BODY}\nfrozen: true`,
    locked: 'old',
    verdict: 'skip',
    reasons: [{ kind: 'frozen' }],
  },
  {
    what: 'frozen and forced',
    body: `${BODY}\nfrozen: true`,
    seen: { forced: true },
    verdict: 'skip',
    reasons: [{ kind: 'frozen' }],
  },
  {
    what: 'frozen and never run',
    body: `${BODY}\nfrozen: true`,
    locked: 'none',
    verdict: 'blocked',
    reasons: [{ kind: 'frozen' }, { kind: 'never-run' }],
  },
  {
    what: 'frozen, its out missing and to be had',
    body: `${BODY}\nfrozen: true`,
    out: { kind: 'missing' },
    available: true,
    verdict: 'restore',
    reasons: [{ kind: 'out-missing', path: 'out.txt' }],
  },
  {
    what: 'frozen, its out edited',
    body: `${BODY}\nfrozen: true`,
    out: { kind: 'present', hash: hashOf('9'), exec: false },
    available: true,
    verdict: 'restore',
    reasons: [{ kind: 'out-changed', path: 'out.txt' }],
  },
  {
    what: 'frozen, its out edited and what was recorded gone',
    body: `${BODY}\nfrozen: true`,
    out: { kind: 'present', hash: hashOf('9'), exec: false },
    verdict: 'blocked',
    reasons: [{ kind: 'out-changed', path: 'out.txt' }],
  },
  {
    what: 'frozen, its outs recorded with another hash algorithm',
    body: `${BODY}\nfrozen: true`,
    lockedOuts: [artifact('out.txt', `md5:${'1'.repeat(32)}`)],
    out: { kind: 'present', hash: `md5:${'1'.repeat(32)}`, exec: false },
    available: true,
    verdict: 'skip',
    reasons: [{ kind: 'frozen' }],
  },
  {
    what: 'frozen, its out missing and gone',
    body: `${BODY}\nfrozen: true`,
    out: { kind: 'missing' },
    verdict: 'blocked',
    reasons: [{ kind: 'out-missing', path: 'out.txt' }],
  },
  {
    what: 'frozen, with a lock that names an out the stage does not have',
    body: `${BODY}\nfrozen: true`,
    lockedOuts: [artifact('src/main.ts')],
    available: true,
    verdict: 'blocked',
    reasons: [
      { kind: 'frozen' },
      { kind: 'outs-changed', path: 'out.txt', change: 'added' },
      { kind: 'outs-changed', path: 'src/main.ts', change: 'removed' },
    ],
  },
];

for (const one of CASES) {
  test(`${one.what}: ${one.verdict}`, () => {
    const stage = stageOf(one.body ?? BODY);
    const result = resultOf(stage, hashOf('a'), one.lockedOuts);
    const waiting = (one.seen?.waitsFor?.length ?? 0) > 0;
    const seen: Seen = {
      ...(!waiting && { fingerprint: result.fingerprint }),
      waitsFor: [],
      outs: new Map([['out.txt', one.out ?? PRESENT]]),
      importers: {},
      forced: false,
      ...one.seen,
    };
    const locked = {
      same: result,
      old: resultOf(stage, hashOf('b')),
      edited: { ...result, edited: true as const },
    };
    const recorded: Recorded = {
      locked: one.locked === 'none' ? undefined : locked[one.locked ?? 'same'],
      recall: (fingerprint) => one.recalled && { fingerprint, outs: one.recalled, gates: [] },
      isAvailable: () => one.available ?? false,
    };
    const decision = decide(stage, seen, recorded);
    assert.equal(decision.verdict, one.verdict);
    assert.deepEqual(decision.reasons, one.reasons);
  });
}

const ONE_GATE = 'gates:\n  m.json: { rate: { min: 0.5 } }';
const GATES: readonly (readonly [what: string, body: string, locked: readonly string[]])[] = [
  ['a changed gate', ONE_GATE, ['m.json rate >= 0.4']],
  ['a gate that is new', ONE_GATE, []],
  ['a gate that is gone', 'desc: without gates', ['m.json rate >= 0.5']],
  ['a second gate that is gone', ONE_GATE, ['m.json rate >= 0.5', 'm.json score >= 1']],
];

for (const [[what, gates, recorded], frozen] of GATES.flatMap((one) => [
  [one, false] as const,
  [one, true] as const,
])) {
  test(`${what} is told and does not run the stage, frozen: ${frozen}`, () => {
    const stage = stageOf(`cmd: make\nouts:\n  - m.json: { metric: true }\n${gates}\nfrozen: ${frozen}`);
    const locked = { ...resultOf(stage, '', [artifact('m.json')]), gates: recorded };
    const seen: Seen = {
      fingerprint: locked.fingerprint,
      waitsFor: [],
      outs: new Map([['m.json', PRESENT]]),
      importers: {},
      forced: false,
    };
    const decision = decide(stage, seen, { locked, recall: () => undefined, isAvailable: () => false });
    assert.equal(decision.verdict, 'skip');
    assert.deepEqual(decision.reasons, [{ kind: 'gate-changed' }]);
    assert.ok(!isFresh(decision), 'the gate is still to be judged');
  });
}

test('a stage is fresh that is skipped with nothing left to do', () => {
  const stage = stageOf(BODY);
  const result = resultOf(stage);
  assert.ok(isFresh({ verdict: 'skip', reasons: [{ kind: 'fresh' }], result }));
  assert.ok(isFresh({ verdict: 'skip', reasons: [{ kind: 'frozen' }], result }));
  assert.ok(!isFresh({ verdict: 'restore', reasons: [{ kind: 'never-run' }], result }));
});

test('the limits of a gate are written one behind the other', () => {
  const gate = '{ rate: { min: 0.5, max: 1 }, score: { max: 2 } }';
  const stage = stageOf(`cmd: make\nouts:\n  - m.json: { metric: true }\ngates:\n  m.json: ${gate}`);
  assert.deepEqual(gateTexts(stage), ['m.json rate >= 0.5 and <= 1', 'm.json score <= 2']);
});

test('a gate is written as its value is in the metric, with all digits of an integer', () => {
  const stage = stageOf(
    'cmd: make\nouts:\n  - m.json: { metric: true }\ngates:\n  m.json: { a: { equals: 9007199254740993 }, b: { equals: { z: 1, y: "t" } } }',
  );
  assert.deepEqual(gateTexts(stage), ['m.json a == 9007199254740993', 'm.json b == {"y":"t","z":1}']);
});
