import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatPlan } from '../../src/commands/judged.ts';
import type { Judgement } from '../../src/plan/plan.ts';
import type { StageName } from '../../src/base/types.ts';
import { stageOf } from '../read/rig.ts';

test('a plan of 200,000 stages is printed, a line each', () => {
  const stage = stageOf('cmd: make\nouts: [x.txt]');
  const judgements = Array.from({ length: 200_000 }, (_, index): Judgement => ({
    stage: { ...stage, name: `s${index}` as StageName },
    decision: { verdict: 'run', reasons: [{ kind: 'never-run' }] },
    problems: [],
  }));
  const lines = [...formatPlan({ judgements, problems: [] })].join('').split('\n');
  assert.equal(lines[0], 's0       would run      never run');
  assert.equal(lines[199_999], 's199999  would run      never run');
  assert.deepEqual(lines.slice(200_000), ['', '200,000 stages: 200000 to run', '']);
});

test('columns of stages with wide names stand below one another', () => {
  const stage = stageOf('cmd: make\nouts: [x.txt]');
  const judgements = ['日本', 'abcdef'].map((name): Judgement => ({
    stage: { ...stage, name: name as StageName },
    decision: { verdict: 'run', reasons: [{ kind: 'never-run' }, { kind: 'gate-changed' }] },
    problems: [],
  }));
  assert.deepEqual([...formatPlan({ judgements, problems: [] })].join('').split('\n').slice(0, 4), [
    '日本    would run      never run',
    '                       gates changed',
    'abcdef  would run      never run',
    '                       gates changed',
  ]);
});
