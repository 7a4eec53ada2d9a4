import assert from 'node:assert/strict';
import test from 'node:test';
import { retryDelayMs } from '../../src/execute/run-stage.ts';
import { createMapWorld, stageFailed } from './map-world.ts';
import type { MapWorld } from './map-world.ts';

/** `a → b → c` beside `x → y`; `z` reads both ends. */
const DIAMOND = `stages:
  x: { cmd: x, deps: [src-x], outs: [ox] }
  y: { cmd: y, deps: [ox], outs: [oy] }
  a: { cmd: a, deps: [src-a], outs: [oa] }
  b: { cmd: b, deps: [oa], outs: [ob] }
  c: { cmd: c, deps: [ob], outs: [oc] }
  z: { cmd: z, deps: [oc, oy], outs: [oz] }
`;
const CHAIN = `stages:
  a: { cmd: a, deps: [src-a], outs: [oa] }
  b: { cmd: b, deps: [oa], outs: [ob] }
`;
const SOURCES = { 'src-x': '1', 'src-a': '2' };

function ranIn(world: MapWorld): readonly string[] {
  return world.calls.filter((call) => call.startsWith('run ')).map((call) => call.slice(4));
}

function outcomesIn(world: MapWorld): Readonly<Record<string, string>> {
  return Object.fromEntries(
    world.events.flatMap((event) => (event.type === 'stage-finished' ? [[event.stage, event.outcome]] : [])),
  );
}

/** So long that whoever may start meanwhile has started. */
async function someTurns(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
}

test('stages start when their upstream is committed, the longest path first', async () => {
  const world = createMapWorld(DIAMOND, SOURCES);
  const { counts, failures } = await world.run();
  assert.equal(counts.ran, 6);
  assert.deepEqual(failures, []);
  assert.equal(ranIn(world)[0], 'a');
  for (const [before, after] of [
    ['a', 'b'],
    ['b', 'c'],
    ['x', 'y'],
    ['c', 'z'],
    ['y', 'z'],
  ])
    assert.ok(
      world.calls.indexOf(`commit ${before}`) < world.calls.indexOf(`run ${after}`),
      `${before} before ${after}`,
    );
  assert.equal(world.files.get('oz'), 'z(c(b(a(2))),y(x(1)))');
});

test('the slot of a stage that others wait for goes to the most urgent of all that are ready then', async () => {
  const world = createMapWorld(DIAMOND, SOURCES);
  await world.run({ durations: { x: 1, y: 1, a: 9, b: 9, c: 9, z: 9 } });
  assert.deepEqual(ranIn(world), ['a', 'b', 'c', 'x', 'y', 'z']);
});

test('damage that is met when a stage is judged again is a failure of that stage, and others go on', async () => {
  const world = createMapWorld(
    'stages:\n  a: { cmd: a, outs: [oa] }\n  b: { cmd: b, deps: [oa/f], outs: [ob] }\n  c: { cmd: c, outs: [oc] }\n',
  );
  world.acts.set('a', () => {
    world.unlisted.add('oa');
    return 'a';
  });
  const { failures } = await world.run({ jobs: 1, keepGoing: true });
  assert.deepEqual(outcomesIn(world), { a: 'ran', b: 'failed', c: 'ran' });
  assert.deepEqual(
    failures.map(({ error }) => (error as { code: string }).code),
    ['manifest.invalid'],
  );
});

test('a stage that nobody waits for gives its slot back before it is recorded', async () => {
  const world = createMapWorld('stages:\n  a: { cmd: a, outs: [oa] }\n  b: { cmd: b, outs: [ob] }\n');
  world.recording = new Promise((resolve) => {
    world.acts.set('b', () => {
      resolve();
      return 'b';
    });
  });
  const { counts } = await world.run();
  assert.equal(counts.ran, 2);
  assert.equal(world.calls.indexOf('run b') < world.calls.indexOf('commit a'), true);
});

test('where one that is as urgent is ready, the slot is not kept for who comes next', async () => {
  const world = createMapWorld(DIAMOND, SOURCES);
  world.acts.set('a', () => ((world.recording = someTurns()), 'a'));
  const { counts } = await world.run({ durations: { x: 9, y: 1, a: 1, b: 9, c: 1, z: 1 } });
  assert.equal(counts.ran, 6);
  assert.deepEqual(world.calls.slice(0, 3), ['run a', 'run x', 'commit a']);
});

test('one that waits for room in the pool of a stage that ends is as ready as any', async () => {
  const world = createMapWorld(`pools: { net: 1 }
stages:
  p: { cmd: p, outs: [op], pool: net }
  p2: { cmd: p2, deps: [op], outs: [op2] }
  w: { cmd: w, outs: [ow], pool: net }
`);
  world.acts.set('p', () => ((world.recording = someTurns()), 'p'));
  await world.run({ durations: { p: 10, p2: 5, w: 6 } });
  assert.deepEqual(world.calls.slice(0, 3), ['run p', 'run w', 'commit p']);
});

test('one that is ready takes one slot, and not those of all that end at the same time', async () => {
  const world = createMapWorld(`stages:
  p: { cmd: p, outs: [op] }
  q: { cmd: q, outs: [oq] }
  p2: { cmd: p2, deps: [op], outs: [op2] }
  q2: { cmd: q2, deps: [oq], outs: [oq2] }
  w: { cmd: w, outs: [ow] }
  v: { cmd: v, outs: [ov] }
`);
  const together = Promise.withResolvers<undefined>();
  world.acts.set('p', async () => (await together.promise, 'p'));
  world.acts.set('q', () => (together.resolve(undefined), 'q'));
  world.recording = together.promise.then(someTurns);
  await world.run({ jobs: 2, durations: { p: 10, q: 10, p2: 5, q2: 5, w: 6, v: 1 } });
  const order = ranIn(world);
  assert.deepEqual(order.slice(0, 3), ['p', 'q', 'w']);
  assert.equal(order.at(-1), 'v');
});

test('recorded durations outweigh the length of a path', async () => {
  const world = createMapWorld(DIAMOND, SOURCES);
  await world.run({ durations: { x: 10_000, a: 1, b: 1, c: 1, y: 1, z: 1 } });
  assert.equal(ranIn(world)[0], 'x');
});

test('an upstream that made the same bytes stops the wave', async () => {
  const world = createMapWorld(DIAMOND, SOURCES);
  await world.run();
  world.files.set('src-a', 'changed');
  world.acts.set('b', () => 'b(a(2))');
  await world.run();
  assert.deepEqual(ranIn(world), ['a', 'b']);
  assert.deepEqual(outcomesIn(world), { x: 'fresh', y: 'fresh', a: 'ran', b: 'ran', c: 'fresh', z: 'fresh' });
});

test('going back restores without running, link by link', async () => {
  const world = createMapWorld(DIAMOND, SOURCES);
  await world.run();
  world.files.set('src-a', 'changed');
  await world.run();
  world.files.set('src-a', '2');
  await world.run();
  assert.deepEqual(world.calls, ['restore a', 'restore b', 'restore c', 'restore z']);
  assert.equal(world.files.get('oz'), 'z(c(b(a(2))),y(x(1)))');
});

test('a result whose objects turn out to be gone is made again', async () => {
  const world = createMapWorld('stages:\n  a: { cmd: a, deps: [src-a], outs: [oa] }\n', SOURCES);
  await world.run();
  world.files.delete('oa');
  world.damaged.add('oa');
  await world.run();
  assert.deepEqual(world.calls, ['restore a', 'run a', 'commit a']);
});

test('what reads from a stage that was to be restored and ran instead is judged by what it made then', async () => {
  const world = createMapWorld(CHAIN, { 'src-a': '1' });
  await world.run();
  for (const path of ['oa', 'ob']) world.files.delete(path);
  world.damaged.add('oa');
  world.acts.set('a', () => 'other');
  const { counts } = await world.run();
  assert.deepEqual(world.calls, ['restore a', 'run a', 'commit a', 'run b', 'commit b']);
  assert.equal(counts.ran, 2);
  assert.equal(world.files.get('ob'), 'b(other)');
});

test('retries wait exponentially longer, half of it by chance, and stop at the first success', async () => {
  const text =
    'stages:\n  a:\n    cmd: a\n    outs: [oa]\n    retry: { attempts: 4, delay: 1s, factor: 3 }\n';
  const table = [
    { random: 0, slept: [500, 1500] },
    { random: 0.5, slept: [750, 2250] },
    { random: 0.999, slept: [1000, 2999] },
  ];
  for (const { random, slept } of table) {
    const world = createMapWorld(text);
    world.random = random;
    world.acts.set('a', (attempt) => (attempt < 3 ? stageFailed() : 'third'));
    const { counts } = await world.run();
    assert.equal(counts.ran, 1);
    assert.deepEqual(world.slept, slept);
    const steps = world.events.map((event) =>
      'attempt' in event ? `${event.type} ${event.attempt}` : event.type,
    );
    assert.deepEqual(steps, [
      'stage-started 1',
      'attempt-failed 1',
      'stage-started 2',
      'attempt-failed 2',
      'stage-started 3',
      'stage-committing',
      'stage-finished',
    ]);
  }
  assert.equal(retryDelayMs({ attempts: 9, delayMs: 30_000, factor: 2 }, 3, 1), 120_000);
});

for (const [retryable, attempts] of [
  [true, 3],
  [false, 1],
] as const) {
  test(`an error that ${retryable ? 'another attempt may mend' : 'stays the same'} is tried ${attempts} of 3 times`, async () => {
    const world = createMapWorld('stages:\n  a: { cmd: a, outs: [oa], retry: { attempts: 3, delay: 1s } }\n');
    world.acts.set('a', () => stageFailed(retryable));
    const { counts, failures } = await world.run();
    assert.equal(counts.failed, 1);
    assert.equal(failures.length, 1);
    assert.equal(ranIn(world).length, attempts);
  });
}

test('after a failure nothing new starts; with keepGoing only what reads from it does not', async () => {
  const world = createMapWorld(DIAMOND, SOURCES);
  world.acts.set('b', () => stageFailed());
  await world.run({ durations: { x: 30, y: 1, a: 9, b: 9, c: 9, z: 9 } });
  assert.deepEqual(outcomesIn(world), {
    a: 'ran',
    b: 'failed',
    x: 'ran',
    c: 'blocked',
    y: 'canceled',
    z: 'blocked',
  });
  await world.run({ keepGoing: true });
  assert.deepEqual(outcomesIn(world), {
    a: 'fresh',
    b: 'failed',
    x: 'fresh',
    c: 'blocked',
    y: 'ran',
    z: 'blocked',
  });
});

test('with keepGoing a frozen stage and what reads from it go on where its upstream fails', async () => {
  const before = createMapWorld(CHAIN, SOURCES);
  await before.run();
  const frozen = CHAIN.replace('outs: [ob]', 'outs: [ob], frozen: true');
  const world = createMapWorld(`${frozen}  c: { cmd: c, deps: [ob], outs: [oc] }\n`, SOURCES);
  for (const [name, result] of before.locked) if (name === 'b') world.locked.set(name, result);
  world.acts.set('a', () => stageFailed());
  await world.run({ keepGoing: true });
  assert.deepEqual(outcomesIn(world), { a: 'failed', b: 'restored', c: 'ran' });
});

test('what an aborted run had not finished is canceled, and what ended well is kept', async () => {
  const world = createMapWorld(DIAMOND, SOURCES);
  const controller = new AbortController();
  const reason = new Error('stop');
  world.acts.set('b', (_, signal) => {
    controller.abort(reason);
    return signal.reason as Error;
  });
  const { counts, failures } = await world.run({
    signal: controller.signal,
    durations: { a: 9, b: 9, c: 9, z: 9 },
  });
  assert.deepEqual(failures, []);
  assert.equal(counts.failed, 0);
  assert.equal(outcomesIn(world)['b'], 'canceled');
  assert.equal(outcomesIn(world)['c'], 'canceled');
  assert.equal(outcomesIn(world)['z'], 'canceled');
  assert.ok(world.locked.has('a'));
  world.acts.clear();
  await world.run();
  assert.ok(!ranIn(world).includes('a'));
});

test('a wait between attempts ends with the run', async () => {
  const world = createMapWorld('stages:\n  a: { cmd: a, outs: [oa], retry: { attempts: 3, delay: 1s } }\n');
  const controller = new AbortController();
  world.acts.set('a', () => {
    queueMicrotask(() => controller.abort(new Error('stop')));
    return stageFailed();
  });
  await world.run({ signal: controller.signal });
  assert.deepEqual(ranIn(world), ['a']);
});

test('pools and jobs bound what runs at once, and a full pool holds up nobody else', async () => {
  const world = createMapWorld(
    `pools: { net: 2 }\nstages:\n${[1, 2, 3, 4].map((n) => `  n${n}: { cmd: n${n}, outs: [n${n}], pool: net }\n`).join('')}${[1, 2, 3].map((n) => `  f${n}: { cmd: f${n}, outs: [f${n}] }\n`).join('')}`,
  );
  const at = { net: 0, all: 0 };
  const most = { net: 0, all: 0 };
  for (const name of ['n1', 'n2', 'n3', 'n4', 'f1', 'f2', 'f3']) {
    world.acts.set(name, async () => {
      at.all++;
      if (name.startsWith('n')) at.net++;
      most.all = Math.max(most.all, at.all);
      most.net = Math.max(most.net, at.net);
      await new Promise((resolve) => setImmediate(resolve));
      at.all--;
      if (name.startsWith('n')) at.net--;
      return name;
    });
  }
  const { counts } = await world.run({ jobs: 4 });
  assert.equal(counts.ran, 7);
  assert.deepEqual(most, { net: 2, all: 4 });
});

test('an error that is no one’s expectation ends the run as our bug, once what runs has ended', async () => {
  const world = createMapWorld(DIAMOND, SOURCES);
  world.acts.set('a', () => new TypeError('a bug'));
  await assert.rejects(world.run(), { message: 'a bug' });
  assert.ok(!world.calls.includes('run b'));
});

test('a system error fails its stage with a code, and the others go on', async () => {
  const world = createMapWorld(DIAMOND, SOURCES);
  world.acts.set('a', () =>
    Object.assign(new Error('ENOSPC: no space'), { code: 'ENOSPC', syscall: 'write' }),
  );
  world.acts.set('x', () => Object.assign(new Error('EXOTIC: what'), { code: 'EXOTIC', syscall: 'ioctl' }));
  await world.run({ keepGoing: true });
  const problems = world.events.flatMap((event) =>
    event.type === 'stage-finished' && event.problem ? [[event.problem.code, event.problem.message]] : [],
  );
  assert.deepEqual(problems, [
    ['disk.full', 'stage "a" cannot go on: the disk is full'],
    ['stage.system', 'stage "x" cannot go on: EXOTIC: what'],
  ]);
});

test('what changes back while a stage waits for a slot leaves it nothing to run', async () => {
  const world = createMapWorld(
    'stages:\n  a: { cmd: a, deps: [one], outs: [oa] }\n  b: { cmd: b, deps: [two], outs: [ob] }\n',
    { one: '1', two: '1' },
  );
  await world.run();
  for (const path of ['one', 'two']) world.files.set(path, '2');
  world.acts.set('a', () => {
    world.files.set('two', '1');
    return 'made';
  });
  await world.run({ durations: { a: 9, b: 1 } });
  assert.deepEqual(outcomesIn(world), { a: 'ran', b: 'fresh' });
});
