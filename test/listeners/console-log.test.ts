import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EventBody } from '../../src/base/event.ts';
import { createConsoleListener } from '../../src/listeners/console.ts';
import type { ConsoleListenerOptions } from '../../src/listeners/console.ts';
import { EVERY_EVENT, begun, blocked, ended, eventAt, planned, said, started } from './events.ts';
import { createFakeTime } from './fake-time.ts';

/** What a log says about some events. */
function logOf(bodies: readonly EventBody[], options: Partial<ConsoleListenerOptions> = {}): string {
  const time = createFakeTime();
  let text = '';
  const listener = createConsoleListener({
    write: (more) => (text += more),
    isTty: false,
    columns: () => 80,
    colour: false,
    unicode: true,
    now: time.now,
    schedule: time.schedule,
    ...options,
  });
  for (const body of bodies) listener.on(eventAt(time.now(), body));
  void listener.close?.();
  return text;
}

test('a log has one line per event and ends in a summary', () => {
  assert.equal(
    logOf(EVERY_EVENT),
    `waiting for the workspace: repro (pid 17) holds it since 2026-03-17T05:59:00Z
fetch  recovered  completed: an earlier run was cut off
warning[tick.behind]: the clock is behind the lock
recorded data/world.csv
brought back data/lists, as pipeline.lock says
fetching 4 objects (4 KiB) from origin
error[remote.bad-object]: sha256:11 is not what it says
fetched 2 objects (2 KiB) from origin, 1 here already, 1 missing there
pushed 1 object (1 KiB) to origin, then it broke off
took the results of 2 stages from origin: fetch, features
fetch     started  dep data/raw modified
fetch    | hello
fetch     attempt 1 of 3 failed: exited with code 1; next try in 30s
fetch     started  attempt 2
fetch     ran in 12.3s  (data/raw 31 files 1.2 MiB, reports/fetch_report.json 12 KiB)
2 stages: 1 ran, 1 fresh in 12.3s
`,
  );
});

test('what is said of stages with wide names stands below one another', () => {
  assert.deepEqual(logOf([planned('日本', 'abcdef'), begun('日本'), begun('abcdef')]).split('\n'), [
    '日本    started  dep data/raw modified',
    'abcdef  started  dep data/raw modified',
    '',
  ]);
});

test('a run with nothing to do says so in one line', () => {
  const fresh = (stage: string): EventBody => ({
    type: 'stage-finished',
    stage,
    outcome: 'fresh',
    reasons: [{ kind: 'fresh' }],
  });
  const plan: EventBody = {
    type: 'plan-made',
    stages: ['a', 'b', 'c'].map((stage) => ({ stage, verdict: 'skip', reasons: [{ kind: 'fresh' }] })),
  };
  const run = [started(3), plan, fresh('a'), fresh('b'), fresh('c'), ended('succeeded', { fresh: 3 }, 40)];
  assert.equal(logOf(run), 'Everything is fresh: 3 stages, nothing to do.\n');
  assert.equal(
    logOf(run, { verbose: true }),
    'a  fresh\nb  fresh\nc  fresh\nEverything is fresh: 3 stages, nothing to do.\n',
  );
});

const finished = (
  stage: string,
  outcome: 'restored' | 'canceled' | 'failed',
  durationMs?: number,
): EventBody => ({
  type: 'stage-finished',
  stage,
  outcome,
  reasons: [],
  ...(durationMs !== undefined && { durationMs }),
});

test('restored and canceled stages are told with what they made and when they stopped', () => {
  const run = [
    planned('a', 'b', 'c'),
    { ...finished('a', 'restored'), outs: [{ path: 'm.onnx', hash: 'h', size: 10 }] } as EventBody,
    finished('b', 'canceled', 1500),
    finished('c', 'canceled'),
    ended('canceled', { restored: 1, canceled: 2 }, 4200),
  ];
  assert.equal(
    logOf(run),
    `a  restored  (m.onnx 10 B)
b  canceled after 1.5s
c  canceled
Canceled. 3 stages: 1 restored, 2 canceled in 4.2s
`,
  );
});

test('a gate is told with its limit and value when it does not hold, and when it holds only on request', () => {
  const gate = (held: boolean): EventBody => ({
    type: 'gate-evaluated',
    stage: 'fetch',
    gate: 'rate must be >= 0.8',
    value: held ? '0.9' : '0.6',
    held,
  });
  assert.equal(logOf([gate(true), gate(false)]), 'fetch  gate  rate must be >= 0.8, but it is 0.6\n');
  assert.equal(logOf([gate(true)], { verbose: true }), 'fetch  gate  rate must be >= 0.8: it is 0.9\n');
});

test('many reasons and many outs are counted after the third', () => {
  const reasons = ['a', 'b', 'c', 'd', 'e'].map(
    (path) => ({ kind: 'dep-changed', path, change: 'added' }) as const,
  );
  const outs = ['a', 'b', 'c', 'd', 'e'].map((path) => ({ path, hash: 'h', size: 1 }));
  assert.equal(
    logOf([
      { type: 'stage-started', stage: 's', attempt: 1, reasons },
      { type: 'stage-finished', stage: 's', outcome: 'ran', reasons, outs },
    ]),
    's  started  dep a added; dep b added; dep c added; and 2 more\ns  ran  (a 1 B, b 1 B, c 1 B, and 2 more)\n',
  );
});

const OUTPUT: readonly (readonly [string, readonly string[], string])[] = [
  ['whole lines', ['a\nb\n'], 's | a\ns | b\n'],
  ['a line in three chunks', ['a', 'b', 'c\n'], 's | abc\n'],
  ['a last line without an end', ['a\nb'], 's | a\ns | b\n'],
  ['empty lines', ['\n\na\n'], 's | \ns | \ns | a\n'],
  ['line ends of Windows, also cut in two', ['a\r\nb\r', '\nc\r\n'], 's | a\ns | b\ns | c\n'],
  ['a progress bar drawn over itself', ['10 %\r50 %', '\r100 %\n'], 's | 100 %\n'],
  ['colours', ['\u001b[31mred\u001b[0m plain\n'], 's | red plain\n'],
  ['a sequence cut in two', ['\u001b[3', '1mred\n'], 's | red\n'],
  [
    'cursor moves, titles and bells',
    ['a\u001b[2K\u001b[1Ab\u001b]0;title\u0007c\u0007\u001b7d\u0000\n'],
    's | abcd\n',
  ],
  ['tabs and other scripts', ['a\tb 日本 é\n'], 's | a\tb 日本 é\n'],
];

for (const [name, chunks, expected] of OUTPUT) {
  test(`output is shown line by line: ${name}`, () => {
    assert.equal(logOf(chunks.map((chunk) => said('s', chunk))), expected);
  });
}

test('two streams of a stage do not mix within a line', () => {
  assert.equal(
    logOf([said('s', 'out'), said('s', 'err', 'stderr'), said('s', 'put\n'), said('s', 'or\n', 'stderr')]),
    's | output\ns | error\n',
  );
});

test('a line of a megabyte without an end does not wait for one', () => {
  const text = logOf([said('s', 'x'.repeat(1_000_000)), said('s', 'y\n')]);
  assert.deepEqual(
    text.split('\n').map((line) => line.length),
    [1_000_004, 5, 0],
  );
});

const failure = {
  code: 'stage.failed',
  message: 'stage "fetch" exited with code 1',
  hint: 'its output above says why',
  at: [{ file: 'pipeline.yaml', line: 12, column: 3, length: 5 }],
};

test('a failed stage comes again at the end, with its last 20 lines, its problem and all that it blocked', () => {
  const output = Array.from({ length: 25 }, (_, i) => `line ${i + 1}\n`).join('');
  const run = [
    started(5),
    planned('fetch', 'features', 'train', 'other'),
    begun('fetch'),
    said('fetch', output),
    said('fetch', 'the end'),
    { ...finished('fetch', 'failed', 61_000), problem: failure } as EventBody,
    blocked('features', 'fetch'),
    blocked('train', 'features'),
    ended('failed', { failed: 1, blocked: 2, fresh: 1 }, 62_000),
  ];
  const text = logOf(run, {
    readLine: (file, line) => (file === 'pipeline.yaml' && line === 12 ? '  fetch:' : undefined),
  });
  const tail = Array.from({ length: 19 }, (_, i) => `  │ line ${i + 7}\n`).join('');
  assert.equal(
    text.slice(text.indexOf('fetch     failed')),
    `fetch     failed after 1m 01s  exited with code 1
features  blocked  fetch did not succeed
train     blocked  features did not succeed

✗ fetch failed after 1m 01s
  the last 20 lines of its output:
${tail}  │ the end

error[stage.failed]: stage "fetch" exited with code 1
  --> pipeline.yaml:12:3
   |
12 |   fetch:
   |   ^^^^^
   = hint: its output above says why
blocked by it: features, train

4 stages: 1 fresh, 1 failed, 2 blocked in 1m 02s
`,
  );
});

// With a list copied for each of them this takes minutes.
test('what one failure blocked is counted, also where that is 100,000 stages', () => {
  const names = Array.from({ length: 100_000 }, (_, index) => `s${index}`);
  const text = logOf([
    planned('fetch', ...names),
    finished('fetch', 'failed', 1000),
    ...names.map((name) => blocked(name, 'fetch')),
    ended('failed', { failed: 1, blocked: names.length }),
  ]);
  assert.match(text, /\nblocked by it: s0, s1, .*, s11, and 99,988 more\n/);
});

test('the output at the end is that of the last attempt', () => {
  const text = logOf([
    planned('fetch'),
    begun('fetch'),
    said('fetch', 'first try\n'),
    { type: 'attempt-failed', attempts: 3, stage: 'fetch', attempt: 1, problem: failure, retryInMs: 1500 },
    begun('fetch', 2),
    said('fetch', 'second try\n'),
    { ...finished('fetch', 'failed', 2000), problem: failure } as EventBody,
    ended('failed', { failed: 1 }),
  ]);
  assert.match(text, /next try in 2s/);
  assert.match(
    text,
    /✗ fetch failed after 2 attempts, 2\.0s\n {2}the last line of its output:\n {2}│ second try\n\nerror/,
  );
});

test('when many stages fail, each is told but only the first five with their output', () => {
  const names = Array.from({ length: 7 }, (_, i) => `s${i}`);
  const text = logOf([
    planned(...names),
    ...names.flatMap((name) => [
      said(name, 'oops\n'),
      { ...finished(name, 'failed', 10), problem: failure } as EventBody,
    ]),
    ended('failed', { failed: 7 }),
  ]);
  assert.equal(text.match(/^✗ s\d failed after 10ms$/gm)?.length, 7);
  assert.equal(text.match(/^ {2}│ oops$/gm)?.length, 5);
  assert.equal(text.match(/^error\[stage\.failed\]/gm)?.length, 7);
});

test('more than three stages that never started are one line', () => {
  const names = ['b', 'c', 'd', 'e'];
  const text = logOf([planned('a', ...names), ...names.map((name) => blocked(name, 'a')), begun('f')]);
  assert.equal(text, '4 stages  blocked  a did not succeed\nf  started  dep data/raw modified\n');
});

test('without colour there is no escape sequence, whatever a stage writes', () => {
  const text = logOf([...EVERY_EVENT, said('s', '\u001b[31mred\u001b[0m\n')]);
  assert.ok(!text.includes('\u001b'));
});

test('with colour outcomes are coloured, colours of a stage end with their line and nothing else passes', () => {
  const text = logOf([planned('s'), said('s', '\u001b[31mred\u001b[2J\nnext\n'), finished('s', 'restored')], {
    colour: true,
  });
  assert.equal(
    text,
    '\u001b[2ms |\u001b[0m \u001b[31mred\u001b[0m\n\u001b[2ms |\u001b[0m next\ns  \u001b[36mrestored\u001b[0m\n',
  );
});

test('without Unicode everything of ours is ASCII', () => {
  const reasons = [{ kind: 'param-changed', file: 'params.yaml', key: 'lr', from: 0.1, to: 0.2 }] as const;
  const text = logOf(
    [
      ...EVERY_EVENT,
      { type: 'stage-started', stage: 'fetch', attempt: 1, reasons },
      said('fetch', 'x\n'),
      { ...finished('fetch', 'failed', 1), problem: failure } as EventBody,
      ended('failed', { failed: 1 }),
    ],
    { unicode: false },
  );
  assert.match(text, /param lr changed: 0\.1 -> 0\.2/);
  assert.doesNotMatch(text, /[^\n -~]/);
});

test('nothing that a message or a path says is obeyed by the terminal', () => {
  const text = logOf([
    { type: 'data-recorded', path: 'a\u001b[2Jb' },
    {
      type: 'attempt-failed',
      attempts: 3,
      stage: 's',
      attempt: 1,
      problem: { code: 'c', message: 'two\nlines \u001b[31m' },
      retryInMs: 1000,
    },
    { type: 'warned', problem: { code: 'c', message: 'x\u001b[31m' } },
  ] as EventBody[]);
  assert.equal(
    text,
    'recorded a [2Jb\ns  attempt 1 of 3 failed: two lines  [31m; next try in 1s\nwarning[c]: x\\x1b[31m\n',
  );
});

test('a plan of 200,000 stages is taken in, and the names below it are in line', () => {
  const stages = Array.from({ length: 200_000 }, (_, index) => ({
    stage: `s${index}`,
    verdict: 'run' as const,
    reasons: [],
  }));
  assert.equal(
    logOf([{ type: 'plan-made', stages }, begun('s1')]),
    's1       started  dep data/raw modified\n',
  );
});

test('small pieces of output are few writes, and what happened is written at once', () => {
  const time = createFakeTime();
  const writes: string[] = [];
  const listener = createConsoleListener({
    write: (text) => void writes.push(text),
    isTty: false,
    columns: () => 80,
    colour: false,
    unicode: true,
    now: time.now,
    schedule: time.schedule,
  });
  for (let i = 0; i < 1000; i++) listener.on(eventAt(time.now(), said('s', `${i}\n`)));
  assert.equal(writes.length, 0);
  time.pass(100);
  assert.equal(writes.length, 1);
  assert.equal(writes[0]?.split('\n').length, 1001);
  listener.on(eventAt(time.now(), said('s', 'last\n')));
  listener.on(eventAt(time.now(), begun('t')));
  assert.deepEqual(writes.slice(1), ['s | last\nt  started  dep data/raw modified\n']);
  void listener.close?.();
  assert.equal(time.pending(), 0);
});

test('what is told of transfers counts what was there, missing and failed', () => {
  const end = {
    type: 'transfer-finished',
    remote: 'origin',
    size: 0,
    missing: 0,
    failed: 0,
    present: 0,
    objects: 0,
  } as const;
  assert.equal(
    logOf([
      { type: 'transfer-started', direction: 'push', remote: 'origin', objects: 0, size: 0 },
      { ...end, direction: 'push', present: 1400 },
      { ...end, direction: 'push', objects: 1, size: 1536, missing: 2, failed: 3 },
    ]),
    'nothing pushed to origin, 1,400 there already\npushed 1 object (1.5 KiB) to origin, 2 missing here, 3 failed\n',
  );
});
