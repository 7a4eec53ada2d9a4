import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Problem } from '../../src/base/error.ts';
import type { EventBody, Listener } from '../../src/base/event.ts';
import { createHistoryListener } from '../../src/listeners/history.ts';
import type { HistoryListenerOptions } from '../../src/listeners/history.ts';
import { listRuns, readRun, replayRun } from '../../src/record/history.ts';
import { EVERY_EVENT, begun, ended, eventAt, said, started } from './events.ts';
import { createFakeTime } from './fake-time.ts';
import type { FakeTime } from './fake-time.ts';

const RUN = '20260317T060000-1a2b';
const CAP = 5 * 1024 * 1024;

interface Stage {
  readonly time: FakeTime;
  readonly stateDir: string;
  readonly folder: string;
  readonly listener: Listener;
  readonly warnings: readonly Problem[];
  readonly tell: (...bodies: readonly EventBody[]) => void;
  readonly log: (file: string) => string;
}

function play(context: TestContext, options: Partial<HistoryListenerOptions> = {}): Stage {
  const stateDir = mkdtempSync(join(tmpdir(), 'lockstep-history-'));
  context.after(() => rmSync(stateDir, { recursive: true }));
  const folder = join(stateDir, 'history');
  const time = createFakeTime();
  const warnings: Problem[] = [];
  const listener = createHistoryListener({
    folder,
    schedule: time.schedule,
    warn: (problem) => void warnings.push(problem),
    ...options,
  });
  const tell = (...bodies: readonly EventBody[]): void => {
    for (const body of bodies) listener.on(eventAt(time.now(), body));
  };
  return {
    time,
    stateDir,
    folder,
    listener,
    warnings,
    tell,
    log: (file) => readFileSync(join(folder, RUN, file), 'utf8'),
  };
}

test('a run reads back event by event, without output, and its output lies in one file per stage', async (context) => {
  const { stateDir, listener, tell, log, time } = play(context);
  tell(...EVERY_EVENT);
  await listener.close?.();
  assert.deepEqual(listRuns(stateDir), [RUN]);
  const events = readRun(stateDir, RUN);
  assert.deepEqual(
    events.map(({ type }) => type),
    EVERY_EVENT.map(({ type }) => type).filter((type) => type !== 'stage-output'),
  );
  const state = replayRun(events);
  assert.equal(state.outcome, 'succeeded');
  assert.equal(state.stages.get('fetch')?.attempt, 2);
  assert.equal(log('fetch.log'), 'hello\n');
  assert.equal(time.pending(), 0);
});

test('output is kept as it came, colours and all, stream after stream', async (context) => {
  const { listener, tell, log } = play(context);
  tell(started(1), said('s', '\u001b[31ma\r'), said('s', 'é', 'stderr'), said('s', 'b\n'));
  await listener.close?.();
  assert.equal(log('s.log'), '\u001b[31ma\réb\n');
});

test('events are written in batches, at most every 200 ms', (context) => {
  const appended: [string, string][] = [];
  const { time, tell } = play(context, {
    append: (path, text) => void appended.push([path.split('/').slice(-2).join('/'), text]),
  });
  tell(started(1), begun('s'), said('s', 'x'));
  time.pass(199);
  assert.equal(appended.length, 0);
  time.pass(1);
  assert.deepEqual(
    appended.map(([path, text]) => [path, text.split('\n').length - 1]),
    [
      [`history/${RUN}.ndjson`, 2],
      [`${RUN}/s.log`, 0],
    ],
  );
  time.pass(1000);
  assert.equal(appended.length, 2);
  tell(ended('succeeded', { ran: 1 }));
  time.pass(200);
  assert.equal(appended.length, 3);
});

test('of the progress of one stage only the newest of a batch is kept', async (context) => {
  const { stateDir, time, listener, tell } = play(context);
  tell(started(2));
  for (let done = 0; done < 1000; done++)
    tell({ type: 'stage-progressed', stage: done % 2 ? 'odd' : 'even', done });
  time.pass(200);
  tell({ type: 'stage-progressed', stage: 'odd', done: 5000 });
  await listener.close?.();
  const told = readRun(stateDir, RUN).flatMap((event) =>
    event.type === 'stage-progressed' ? [[event.stage, event.done]] : [],
  );
  assert.deepEqual(told, [
    ['even', 998],
    ['odd', 999],
    ['odd', 5000],
  ]);
});

test('progress stands where it was told last', async (context) => {
  const { stateDir, listener, tell } = play(context);
  const progress = (done: number): EventBody => ({ type: 'stage-progressed', stage: 's', done });
  tell(started(1), progress(1), { type: 'stage-committing', stage: 's' }, progress(2));
  await listener.close?.();
  assert.deepEqual(
    readRun(stateDir, RUN).map(({ type }) => type),
    ['run-started', 'stage-committing', 'stage-progressed'],
  );
});

test('a stage that writes more than 5 MiB has its first 5 MiB kept and a note', async (context) => {
  const { listener, tell, log } = play(context);
  tell(started(2));
  // Characters of three bytes: the cap falls inside one, which is left out whole.
  for (let i = 0; i < 50; i++) tell(said('loud', '日'.repeat(50_000)), said('quiet', 'x\n'));
  await listener.close?.();
  const kept = '日'.repeat(Math.floor(CAP / 3));
  assert.equal(log('loud.log'), `${kept}\n[what follows is not kept: 5 MiB of output]\n`);
  assert.equal(log('quiet.log'), 'x\n'.repeat(50));
});

test('a stage that writes exactly 5 MiB gets no note', async (context) => {
  const { listener, tell, log } = play(context);
  tell(started(1), said('s', 'x'.repeat(CAP)));
  await listener.close?.();
  assert.equal(log('s.log').length, CAP);
});

const NAMES: readonly (readonly [string, string])[] = [
  ['train@fold-1.5_a', 'train@fold-1.5_a.log'],
  ['a/b', 'a%2fb.log'],
  ['..', '%2e..log'],
  ['100%', '100%25.log'],
  ['é', '%c3%a9.log'],
];
for (const [stage, file] of NAMES) {
  test(`the output of stage ${stage} lies in ${file}`, async (context) => {
    const { folder, listener, tell } = play(context);
    tell(started(1), said(stage, 'x'));
    await listener.close?.();
    assert.deepEqual(readdirSync(join(folder, RUN)), [file]);
  });
}

test('long names that differ only at their end have files of their own', async (context) => {
  const { folder, listener, tell } = play(context);
  tell(started(2), said(`${'n'.repeat(300)}1`, 'one'), said(`${'n'.repeat(300)}2`, 'two'));
  await listener.close?.();
  const files = readdirSync(join(folder, RUN));
  assert.equal(files.length, 2);
  assert.ok(files.every((file) => file.length < 150));
});

test('a command that starts no run leaves nothing', async (context) => {
  const { folder, listener, tell, time } = play(context);
  tell({ type: 'transfer-started', direction: 'push', remote: 'origin', objects: 1, size: 1 });
  for (let i = 0; i < 5000; i++) tell({ type: 'data-recorded', path: `${i}`, hash: 'h' });
  assert.equal(time.pending(), 0);
  await listener.close?.();
  assert.ok(!existsSync(folder));
});

test('a disk that fails ends the writing, is told once, and nothing is thrown', async (context) => {
  let calls = 0;
  const { time, listener, tell, warnings } = play(context, {
    append: () => {
      calls++;
      throw new Error('ENOSPC: no space left on device');
    },
  });
  tell(started(1), begun('s'), said('s', 'x'));
  time.pass(200);
  tell(said('s', 'y'), ended('succeeded', { ran: 1 }));
  time.pass(1000);
  await listener.close?.();
  assert.equal(calls, 1);
  assert.deepEqual(
    warnings.map(({ code, message }) => [code, message]),
    [
      [
        'history.not-written',
        'the history of this run cannot be written any further: ENOSPC: no space left on device',
      ],
    ],
  );
});

test('a folder that cannot be made is told as well', async (context) => {
  const { stateDir, listener, tell, warnings } = play(context);
  writeFileSync(join(stateDir, 'history'), 'in the way');
  tell(started(1));
  await listener.close?.();
  assert.deepEqual(
    warnings.map(({ code }) => code),
    ['history.not-written'],
  );
});
