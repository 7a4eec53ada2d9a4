import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventBody } from '../../src/base/event.ts';
import { createConsoleListener } from '../../src/listeners/console.ts';
import type { ConsoleListener, ConsoleListenerOptions } from '../../src/listeners/console.ts';
import { EVERY_EVENT, begun, blocked, ended, eventAt, planned, said, started } from './events.ts';
import { createFakeTime } from './fake-time.ts';
import type { FakeTime } from './fake-time.ts';
import { createTerminal } from './terminal.ts';
import type { Terminal } from './terminal.ts';

interface Stage {
  readonly time: FakeTime;
  readonly terminal: Terminal;
  readonly writes: readonly string[];
  readonly listener: ConsoleListener;
  readonly tell: (...bodies: readonly EventBody[]) => void;
}

/** A listener on a terminal that draws its spinner always in one frame, unless time says otherwise. */
function play(columns = 80, options: Partial<ConsoleListenerOptions> = {}): Stage {
  const time = createFakeTime();
  const terminal = createTerminal(columns);
  const writes: string[] = [];
  const listener = createConsoleListener({
    write(text) {
      writes.push(text);
      terminal.write(text);
    },
    isTty: true,
    columns: () => columns,
    colour: true,
    unicode: true,
    now: time.now,
    schedule: time.schedule,
    ...options,
  });
  const tell = (...bodies: readonly EventBody[]): void => {
    for (const body of bodies) listener.on(eventAt(time.now(), body));
  };
  return { time, terminal, writes, listener, tell };
}

const progress = (stage: string, done: number, total?: number, label?: string): EventBody => ({
  type: 'stage-progressed',
  stage,
  done,
  ...(total !== undefined && { total }),
  ...(label !== undefined && { label }),
});

test('what someone else writes stands below what was told before it, and keeps its place', () => {
  const { time, terminal, listener, tell } = play();
  const write = (text: string): void => {
    listener.makeWay();
    terminal.write(text);
  };
  tell(started(1), planned('fetch'), begun('fetch'));
  time.pass(300);
  tell(said('fetch', 'one\n'));
  write('in a run\n');
  time.pass(300);
  assert.deepEqual(terminal.lines(), [
    '  fetch │ one',
    'in a run',
    '',
    '⠦ fetch     0.6s  dep data/raw modified',
    '  0 of 1 done · 1 running · 0.6s',
  ]);
  tell(ended('succeeded', { ran: 1 }));
  write('after it\n');
  time.pass(300);
  assert.deepEqual(terminal.lines(), [
    '  fetch │ one',
    'in a run',
    '1 stage: 1 ran in 12.3s',
    'after it',
    '',
  ]);
});

test('below what happened stand the running stages and how far the run is', () => {
  const { time, terminal, tell } = play(100);
  tell(started(5), planned('tickers', 'fetch', 'features', 'train', 'report'));
  tell(begun('tickers'));
  time.pass(1200);
  tell({
    type: 'stage-finished',
    stage: 'tickers',
    outcome: 'ran',
    reasons: [],
    durationMs: 1200,
    outs: [{ path: 't.json', hash: 'h', size: 10 }],
  });
  tell(
    begun('fetch'),
    begun('train'),
    begun('features'),
    progress('fetch', 12, 31, 'TCS.NS'),
    progress('features', 7),
  );
  tell(said('fetch', 'one\ntw'));
  time.pass(2000);
  assert.deepEqual(terminal.lines(), [
    '✓ tickers   ran in 1.2s     t.json 10 B',
    '  fetch    │ one',
    '',
    '⠹ fetch        2.0s  ━━━━━━━━━───────────────  12/31  TCS.NS',
    '⠹ features     2.0s  7',
    '⠹ train        2.0s  dep data/raw modified',
    '  1 of 5 done · 3 running · 1 waiting · 3.2s',
  ]);
});

test('the live area is gone in the end and nothing that happened is lost', () => {
  const { time, terminal, listener, tell } = play();
  for (const body of EVERY_EVENT) {
    tell(body);
    time.pass(130);
  }
  void listener.close?.();
  assert.deepEqual(terminal.lines(), [
    '• waiting for the workspace: repro (pid 17) holds it since 2026-03-17T05:59:00Z',
    '! fetch  recovered       completed: an earlier run was cut off',
    'warning[tick.behind]: the clock is behind the lock',
    '✓ recorded data/world.csv',
    '✓ brought back data/lists, as pipeline.lock says',
    'error[remote.bad-object]: sha256:11 is not what it says',
    '✗ fetched 2 objects (2 KiB) from origin, 1 here already, 1 missing there',
    '✗ pushed 1 object (1 KiB) to origin, then it broke off',
    '✓ took the results of 2 stages from origin: fetch, features',
    '  fetch    │ hello',
    '↻ fetch     attempt 1 of 3 failed: exited with code 1; next try in 30s',
    '✓ fetch     ran in 12.3s    data/raw 31 files 1.2 MiB, reports/fetch_report.js…',
    '2 stages: 1 ran, 1 fresh in 12.3s',
    '',
  ]);
  assert.equal(time.pending(), 0);
});

test('a run that is over at once draws no live area', () => {
  const { time, writes, listener, tell } = play();
  tell(started(1), planned('a'));
  time.pass(40);
  tell(
    { type: 'stage-finished', stage: 'a', outcome: 'fresh', reasons: [] },
    ended('succeeded', { fresh: 1 }, 40),
  );
  void listener.close?.();
  assert.deepEqual(writes, ['Everything is fresh: 1 stage, nothing to do.\n']);
});

test('before the plan is made the area says what is being done', () => {
  const { time, terminal, tell } = play();
  tell(started(3));
  time.pass(1500);
  assert.deepEqual(terminal.lines(), ['', '⠴ looking for what changed  1.5s']);
});

test('at most ten frames a second are drawn, one write each, however much happens', () => {
  const { time, writes, tell } = play();
  tell(started(1), planned('a'), begun('a'));
  for (let i = 0; i < 1000; i++) {
    tell(said('a', `line ${i}\n`), progress('a', i, 1000));
    time.pass(1);
  }
  assert.equal(writes.length, 10);
});

test('a megabyte of output between two frames is not held back whole', () => {
  const { writes, tell } = play();
  for (let i = 0; i < 16; i++) tell(said('a', 'x'.repeat(64 * 1024 - 1) + '\n'));
  assert.ok(writes.length >= 3);
  assert.ok(writes.every((text) => text.length < 400 * 1024));
});

test('a stage that waits for its next attempt counts down, and that one begins without progress', () => {
  const { time, terminal, tell } = play();
  tell(started(1), planned('a'), begun('a'), progress('a', 9, 10));
  time.pass(1000);
  tell({
    type: 'attempt-failed',
    attempts: 3,
    stage: 'a',
    attempt: 1,
    problem: { code: 'c', message: 'no net' },
    retryInMs: 30_000,
  });
  time.pass(7500);
  assert.equal(terminal.lines().at(-2), '↻ a     8.5s  attempt 1 failed, next in 23s');
  time.pass(22_500);
  tell(begun('a', 2));
  time.pass(100);
  assert.equal(terminal.lines().at(-2), '⠙ a    31.1s  attempt 2  dep data/raw modified');
  tell({ type: 'stage-committing', stage: 'a' });
  time.pass(100);
  assert.equal(terminal.lines().at(-2), '⠹ a    31.2s  saving its outs');
});

const BARS: readonly (readonly [number, number, string])[] = [
  [0, 8, '────────────  0/8'],
  [2, 8, '━━━─────────  2/8'],
  [8, 8, '━━━━━━━━━━━━  8/8'],
  [9, 8, '━━━━━━━━━━━━  9/8'],
  [-1, 8, '────────────  -1/8'],
  [0, 0, '────────────  0/0'],
  [1234, 5000, '━━──────────  1,234/5,000'],
  [0.25, 1, '━━━─────────  0.3/1'],
];
for (const [done, total, expected] of BARS) {
  test(`progress ${done} of ${total} is shown as ${expected}`, () => {
    const { time, terminal, tell } = play();
    tell(started(1), planned('a'), begun('a'), progress('a', done, total));
    time.pass(100);
    assert.equal(terminal.lines().at(-2), `⠙ a     0.1s  ${expected}`);
  });
}

test('a transfer shows its rate over the last seconds and the time that is left', () => {
  const { time, terminal, tell } = play(100);
  const MiB = 1024 * 1024;
  tell({ type: 'transfer-started', direction: 'push', remote: 'origin', objects: 400, size: 100 * MiB });
  time.pass(10_000);
  assert.equal(terminal.lines()[1], '⠋ push to origin  ────────────────────────  0/400  0 B of 100 MiB');
  for (let i = 1; i <= 20; i++) {
    // Slow at first: only what is recent counts.
    tell({
      type: 'transfer-progressed',
      direction: 'push',
      objects: i,
      size: (i <= 10 ? i : 10 + 4 * (i - 10)) * MiB,
    });
    time.pass(1000);
  }
  assert.equal(
    terminal.lines()[1],
    '⠋ push to origin  ━━━━━━━━━━━━────────────  20/400  50 MiB of 100 MiB  4 MiB/s  13s left',
  );
  // Then nothing comes any more.
  time.pass(2500);
  assert.match(terminal.lines()[1] ?? '', / 50 MiB of 100 MiB {2}2.7 MiB\/s {2}19s left$/);
  time.pass(2500);
  assert.match(terminal.lines()[1] ?? '', / 50 MiB of 100 MiB {2}0 B\/s$/);
  tell({
    type: 'transfer-finished',
    direction: 'push',
    remote: 'origin',
    objects: 400,
    size: 100 * MiB,
    present: 0,
    missing: 0,
    failed: 0,
  });
  time.pass(100);
  assert.deepEqual(terminal.lines(), ['✓ pushed 400 objects (100 MiB) to origin', '']);
});

test('a transfer that broke off does not stand beside the stages that then run', () => {
  const { time, terminal, tell } = play(80);
  tell(started(1), {
    type: 'transfer-started',
    direction: 'fetch',
    remote: 'origin',
    objects: 4,
    size: 4096,
  });
  time.pass(100);
  assert.match(terminal.lines().join('\n'), /fetch from origin/);
  tell(
    { type: 'transfer-broken-off', direction: 'fetch', remote: 'origin', objects: 1, size: 1024 },
    planned('a'),
    begun('a'),
  );
  time.pass(100);
  const lines = terminal.lines().join('\n');
  assert.doesNotMatch(lines, /fetch from origin/);
  assert.match(lines, /^✗ fetched 1 object \(1 KiB\) from origin, then it broke off$/m);
});

const names = Array.from({ length: 200 }, (_, i) => `train-model@fold-${String(i).padStart(3, '0')}-日本`);

for (const columns of [10, 20, 38, 44, 79, 200]) {
  test(`200 stages with long and wide names never wrap in ${columns} columns`, () => {
    const { time, terminal, listener, tell } = play(columns);
    tell(started(200), planned(...names));
    for (const [i, name] of names.entries()) {
      tell(begun(name), progress(name, i, 200, `日本語 label ${i}`));
      time.pass(70);
      if (i % 4 > 0)
        tell({
          type: 'stage-finished',
          stage: name,
          outcome: i % 7 ? 'ran' : 'restored',
          reasons: [],
          durationMs: 70 * i,
          outs: [{ path: name, hash: 'h', size: i }],
        });
    }
    time.pass(100);
    assert.equal(terminal.folded(), 0);
    assert.equal(terminal.lines().length, 150 + 1 + 12 + 1);
    tell({ type: 'transfer-started', direction: 'push', remote: 'origin', objects: 4000, size: 4e9 });
    time.pass(100);
    assert.equal(terminal.folded(), 0);
    void listener.close?.();
    assert.equal(terminal.lines().length, 150 + 1);
  });
}

test('many running stages take no more rows than the terminal has, and the rest are counted', () => {
  const { time, terminal, tell } = play(80, { rows: () => 10 });
  tell(started(200), planned(...names), ...names.slice(0, 30).map((name) => begun(name)));
  time.pass(100);
  const lines = terminal.lines();
  assert.equal(lines.length, 7);
  assert.deepEqual(lines.slice(-2), [
    '  … and 26 more running',
    '  0 of 200 done · 30 running · 170 waiting · 0.1s',
  ]);
});

test('a name that does not fit loses its middle, since instances differ at the end', () => {
  const { time, terminal, tell } = play(40);
  tell(started(1), planned('train-model@fold-001'), begun('train-model@fold-001'));
  time.pass(100);
  assert.equal(terminal.lines()[1], '⠙ train-mo…old-001     0.1s  dep data/…');
});

test('what went wrong is counted first', () => {
  const { time, terminal, tell } = play(44);
  tell(started(9), planned('a', 'b', 'c', 'd'), begun('d'));
  tell(
    { type: 'stage-finished', stage: 'a', outcome: 'failed', reasons: [], durationMs: 5 },
    blocked('b', 'a'),
  );
  time.pass(100);
  assert.equal(terminal.lines().at(-1), '  2 of 4 done · 1 failed · 1 blocked · 1 r…');
});

test('a terminal made narrower is drawn anew over all rows that the old lines now take', () => {
  let columns = 60;
  const writes: string[] = [];
  const { time, tell } = play(60, { columns: () => columns, write: (text) => void writes.push(text) });
  tell(started(1), planned('a'), begun('a'));
  time.pass(100);
  columns = 20;
  time.pass(100);
  // The empty line, 35 columns in 2 rows and 32 in 2: the first is four rows above the last.
  assert.ok(writes[1]?.startsWith('\r\u001b[4A\u001b[J'), JSON.stringify(writes[1]));
});

test('without Unicode the live area is ASCII', () => {
  const { time, terminal, tell } = play(80, { unicode: false });
  tell(
    started(40),
    planned(...names.map((name) => name.slice(0, -3))),
    ...names.map((name) => begun(name.slice(0, -3))),
  );
  tell(progress('train-model@fold-000', 1, 2));
  time.pass(100);
  assert.doesNotMatch(terminal.lines().join('\n'), /[^\n -~]/);
  assert.match(terminal.lines().join('\n'), /######\.\.\.\.\.\. {2}1\/2/);
});

test('without colour the live area has only the sequences that draw it', () => {
  const { time, writes, tell } = play(80, { colour: false });
  for (const body of EVERY_EVENT) {
    tell(body);
    time.pass(100);
  }
  const sequences = writes.join('').split('\u001b').slice(1);
  const verbs = new Set(sequences.map((text) => text.replace(/^\[\d*([A-Za-z])[^]*/, '$1')));
  assert.deepEqual([...verbs].sort(), ['A', 'J', 'K']);
});

test('on a terminal the start of a stage is told only on request', () => {
  const { time, terminal, tell } = play(80, { verbose: true });
  tell(started(1), planned('a'), begun('a'));
  time.pass(100);
  assert.equal(terminal.lines()[0], '• a  started         dep data/raw modified');
});
