import assert from 'node:assert/strict';
import test from 'node:test';
import type { EventBody } from '../../src/base/event.ts';
import { PipelineError } from '../../src/base/error.ts';
import { createRedactor } from '../../src/base/redact.ts';
import type { Artifact, RelPath } from '../../src/base/types.ts';
import { evaluateGates } from '../../src/execute/gates.ts';
import { stageOf } from '../read/rig.ts';
import { createRig } from '../rig.ts';
import type { Rig } from '../rig.ts';
import { eventsOf, outcomesOf, problemOf } from './tools.ts';

function gateRig(gates: string): Rig {
  const rig = createRig({ 'm.json': '{"rate":0.9,"deep":{"n":3},"text":"ok"}' });
  setGates(rig, gates);
  return rig;
}

function setGates(rig: Rig, gates: string): void {
  rig.write(
    'pipeline.yaml',
    `stages:
  s:
    cmd: cat m.json > quality.json; date +%N > stamp
    deps: [m.json]
    outs:
      stamp: stamp
      quality: { path: quality.json, metric: true, cache: false }
    gates:
      quality: ${gates}
  after:
    cmd: cat stamp > after
    deps: [stamp]
    outs: [after]
`,
  );
}

test('a gate that holds is told and recorded; one that does not commits nothing and blocks what reads from it', async () => {
  const rig = gateRig('{ rate: { min: 0.8 }, deep.n: { min: 1, max: 3 }, text: { equals: ok } }');
  const first = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(first) }, { s: 'ran', after: 'ran' }, first.stdout);
  const gates = eventsOf(first).filter((event) => event.type === 'gate-evaluated');
  assert.deepEqual(
    gates.map(({ gate, value, held }) => [gate, value, held]),
    [
      ['rate must be >= 0.8', '0.9', true],
      ['deep.n must be >= 1 and <= 3', '3', true],
      ['text must be == "ok"', '"ok"', true],
    ],
  );
  const again = eventsOf(await rig.lockstep(['repro', '--json']));
  assert.ok(!again.some((event) => event.type === 'gate-evaluated'), 'it is not judged again');
  const before = [rig.read('stamp'), rig.read('quality.json'), rig.read('pipeline.lock'), rig.read('after')];
  rig.write('m.json', '{"rate":0.5,"deep":{"n":4},"text":"ok"}');
  const failed = await rig.lockstep(['repro', '--json']);
  assert.equal(failed.code, 1);
  assert.deepEqual({ ...outcomesOf(failed) }, { s: 'failed', after: 'blocked' });
  const problem = problemOf(failed, 's');
  assert.equal(problem.code, 'gate.failed');
  assert.equal(
    problem.message,
    'stage "s" does not pass: rate must be >= 0.8, but it is 0.5; deep.n must be >= 1 and <= 3, but it is 4',
  );
  assert.equal(
    problem.hint,
    'mend what makes "quality.json", or change the gates: of "s"; what it made is in .lockstep/failed/s',
  );
  assert.deepEqual(
    [rig.read('stamp'), rig.read('quality.json'), rig.read('pipeline.lock'), rig.read('after')],
    before,
  );
  assert.match(rig.read('.lockstep/failed/s/quality.json'), /0\.5/);
  assert.match(
    (await rig.lockstep(['repro'])).stderr,
    /\n9 \| +quality: \{ rate: \{ min: 0\.8 \}.*\n +\| +\^{4}\n/,
  );
});

const ALONE: readonly (readonly [limits: string, metric: string, held: boolean])[] = [
  ['rate: { max: 3 }', '{"rate":3}', true],
  ['rate: { max: 3 }', '{"rate":3.5}', false],
  ['rate: { min: 3 }', '{"rate":3}', true],
  ['rate: { min: 3 }', '{"rate":2.5}', false],
  ['rate.deep: { min: 3 }', '{"rate":null}', false],
];

const METRIC: Artifact = { path: 'm.json' as RelPath, hash: 'sha256:', kind: 'file', size: 1 };

function judge(limits: string, metric: string, told: EventBody[]): void {
  const stage = stageOf(`cmd: make\nouts:\n  - m.json: { metric: true }\ngates:\n  m.json: ${limits}`);
  evaluateGates(stage, [METRIC], {
    read: () => Buffer.from(metric),
    emit: (event) => void told.push(event),
    redactor: createRedactor([]),
  });
}

for (const [limits, metric, held] of ALONE) {
  test(`of ${metric} the gate ${limits} ${held ? 'holds' : 'does not hold'}`, () => {
    const told: EventBody[] = [];
    if (held) judge(`{ ${limits} }`, metric, told);
    else assert.throws(() => judge(`{ ${limits} }`, metric, told), { code: 'gate.failed' });
    assert.deepEqual(
      told.map((event) => event.type === 'gate-evaluated' && event.held),
      [held],
    );
  });
}

const BROKEN: Readonly<Record<string, { metric: string; gates: string; code: string; message: RegExp }>> = {
  'asks for a key that is not there': {
    metric: '{"other":1}',
    gates: '{ rate: { min: 0 } }',
    code: 'gate.failed',
    message: /rate must be >= 0, but it is missing$/,
  },
  'asks for what every object inherits': {
    metric: '{}',
    gates: '{ constructor.name: { equals: Object } }',
    code: 'gate.failed',
    message: /constructor\.name must be == "Object", but it is missing$/,
  },
  'meets a text where a number should be': {
    metric: '{"rate":"0.9"}',
    gates: '{ rate: { min: 0 } }',
    code: 'gate.failed',
    message: /rate must be >= 0, but it is "0\.9"$/,
  },
  'meets a number that is beyond all bounds': {
    metric: '{"rate":1e400}',
    gates: '{ rate: { min: 0 } }',
    code: 'gate.failed',
    message: /rate must be >= 0, but it is too large a number$/,
  },
  'meets a list with such a number': {
    metric: '{"rate":[1e400]}',
    gates: '{ rate: { equals: x } }',
    code: 'gate.failed',
    message: /rate must be == "x", but it is too large a number$/,
  },
  'reads what is no JSON': {
    metric: 'rate: 0.9',
    gates: '{ rate: { min: 0 } }',
    code: 'gate.unreadable',
    message: /^"m\.json" of stage "one" is not JSON/,
  },
};

for (const [what, { metric, gates, code, message }] of Object.entries(BROKEN)) {
  test(`a gate that ${what} does not hold`, () => {
    assert.throws(
      () => judge(gates, metric, []),
      (error) => {
        assert.ok(error instanceof PipelineError);
        assert.equal(error.code, code);
        assert.match(error.message, message);
        assert.equal(error.problems[0].at?.[0]?.file, 'pipeline.yaml');
        return true;
      },
    );
  });
}

test('a changed gate is judged on the recorded metric without a run, also when the cache is gone', async () => {
  const rig = gateRig('{ rate: { min: 0.8 } }');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  const stamp = rig.read('stamp');
  setGates(rig, '{ rate: { min: 0.95 } }');
  const told = 's  would judge    gates changed\n\n2 stages: 1 to judge, 1 fresh\n';
  assert.equal((await rig.lockstep(['status'])).stdout, told);
  assert.equal((await rig.lockstep(['repro', '--dry-run'])).stdout, told);
  assert.equal((await rig.lockstep(['status', '--quiet'])).code, 1);
  const failed = await rig.lockstep(['repro', '--json']);
  assert.equal(failed.code, 1);
  assert.deepEqual({ ...outcomesOf(failed) }, { s: 'failed', after: 'blocked' });
  assert.equal(
    problemOf(failed, 's').message,
    'stage "s" does not pass: rate must be >= 0.95, but it is 0.9',
  );
  assert.equal(problemOf(failed, 's').hint, 'mend what makes "quality.json", or change the gates: of "s"');
  assert.equal(
    (await rig.lockstep(['status', '--quiet'])).code,
    1,
    'it does not hold, and nothing has changed since',
  );
  rig.remove('.lockstep/files');
  setGates(rig, '{ rate: { min: 0.85 } }');
  const held = await rig.lockstep(['repro', '--json']);
  assert.equal(held.code, 0, held.stdout);
  assert.deepEqual({ ...outcomesOf(held) }, { s: 'fresh', after: 'fresh' });
  assert.match(rig.read('pipeline.lock'), /quality\.json rate >= 0\.85/);
  assert.equal(rig.read('stamp'), stamp);
});

test('a changed gate of a frozen stage is judged, and nothing below runs on a metric that fails it', async () => {
  const pipeline = `stages:
  s:
    cmd: cp in.json m.json
    deps: [in.json]
    outs: [{ m.json: { metric: true } }]
    frozen: true
    gates: { m.json: { v: { min: 5 } } }
  after: { cmd: cat m.json > copy, deps: [m.json], outs: [copy] }
`;
  const rig = createRig({ 'in.json': '{"v":1}' });
  rig.write('pipeline.yaml', pipeline.replace(/ {4}frozen[^]*\n(?= {2}after)/, ''));
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('pipeline.yaml', pipeline.replace('cat', 'cat -n'));
  const failed = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(failed) }, { s: 'failed', after: 'blocked' });
  assert.equal(problemOf(failed, 's').message, 'stage "s" does not pass: v must be >= 5, but it is 1');
  rig.write('pipeline.yaml', pipeline.replace('min: 5', 'min: 1'));
  assert.deepEqual(
    { ...outcomesOf(await rig.lockstep(['repro', '--json'])) },
    { s: 'fresh', after: 'fresh' },
  );
  assert.match(rig.read('pipeline.lock'), /m\.json v >= 1/);
});

test('a gate is judged again when a result is restored, and a refused one leaves the outs alone', async () => {
  const rig = gateRig('{ rate: { min: 0.8 } }');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('m.json', '{"rate":0.99}');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  const stamp = rig.read('stamp');
  rig.write('m.json', '{"rate":0.9,"deep":{"n":3},"text":"ok"}');
  setGates(rig, '{ rate: { min: 0.95 } }');
  const refused = await rig.lockstep(['repro', '--json']);
  assert.deepEqual({ ...outcomesOf(refused) }, { s: 'failed', after: 'blocked' });
  assert.equal(problemOf(refused, 's').code, 'gate.failed');
  assert.equal(rig.read('stamp'), stamp);
  setGates(rig, '{ rate: { min: 0.9 } }');
  const restored = await rig.lockstep(['repro', '--json']);
  assert.equal(outcomesOf(restored)['s'], 'restored');
});

test('a gate failure is not retried', async () => {
  const rig = createRig({
    'pipeline.yaml': `stages:
  s:
    cmd: echo try >> tries; echo '{"a":1}' > q.json
    outs: { q: { path: q.json, metric: true } }
    retry: { attempts: 3, delay: 10ms }
    gates: { q: { a: { max: 0 } } }
`,
  });
  assert.equal((await rig.lockstep(['repro'])).code, 1);
  assert.equal(rig.read('tries'), 'try\n');
});
