import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lastDurations, listRuns, readRun } from '../../src/record/history.ts';
import { tempFolder } from './rig.ts';

function history(runs: Readonly<Record<string, string>>): string {
  const stateDir = tempFolder();
  mkdirSync(join(stateDir, 'history'));
  for (const [name, text] of Object.entries(runs)) writeFileSync(join(stateDir, 'history', name), text);
  return stateDir;
}

const finished = (stage: string, outcome: string, durationMs: number, v = 1): string =>
  `${JSON.stringify({ v, at: 1, type: 'stage-finished', stage, outcome, reasons: [{ kind: 'never-run' }], durationMs })}\n`;

test('runs are listed newest first; other files are none', () => {
  const stateDir = history({
    '20260316T100000-aaaa.ndjson': '',
    '20260317T090000-0000.ndjson': '',
    'notes.txt': '',
  });
  assert.deepEqual(listRuns(stateDir), ['20260317T090000-0000', '20260316T100000-aaaa']);
  assert.deepEqual(listRuns(join(stateDir, 'nowhere')), []);
});

test('wherever a run’s file was cut off, the whole lines before are read', () => {
  const text = finished('a', 'ran', 5) + finished('ü', 'ran', 6);
  const first = Buffer.byteLength(finished('a', 'ran', 5));
  const bytes = Buffer.from(text);
  for (let end = 0; end <= bytes.length; end++) {
    const stateDir = history({ 'r.ndjson': bytes.subarray(0, end).toString('latin1') });
    writeFileSync(join(stateDir, 'history', 'r.ndjson'), bytes.subarray(0, end));
    const expected = end >= bytes.length - 1 ? 2 : end >= first - 1 ? 1 : 0;
    assert.equal(readRun(stateDir, 'r').length, expected, `cut after ${end} bytes`);
    rmSync(stateDir, { recursive: true });
  }
});

test('lines of a newer lockstep, and lines that are no events, are left out', () => {
  const stateDir = history({
    'r.ndjson': `${finished('a', 'ran', 5, 2)}null\n[]\n"text"\n12\n{}\n${finished('b', 'ran', 5)}`,
  });
  assert.deepEqual(
    readRun(stateDir, 'r').map((event) => 'stage' in event && event.stage),
    ['b'],
  );
  assert.deepEqual(readRun(stateDir, 'unknown'), []);
});

test('the last duration of a stage is that of its newest run in which it ran', () => {
  const stateDir = history({
    '1.ndjson': finished('a', 'ran', 100) + finished('b', 'ran', 7),
    '2.ndjson': finished('a', 'ran', 200) + finished('b', 'failed', 1),
    '3.ndjson': finished('a', 'fresh', 0),
  });
  assert.deepEqual(
    [...lastDurations(stateDir)],
    [
      ['a', 200],
      ['b', 7],
    ],
  );
  assert.deepEqual([...lastDurations(stateDir, 1)], []);
});

test('no run fails for a history that cannot be read: nothing is known of how long its stages took', () => {
  const stateDir = history({ '1.ndjson': finished('a', 'ran', 100) });
  mkdirSync(join(stateDir, 'history', '2.ndjson'));
  assert.deepEqual([...lastDurations(stateDir)], [['a', 100]]);
  const odd = tempFolder();
  symlinkSync('history', join(odd, 'history'));
  assert.deepEqual([...lastDurations(odd)], []);
});

test('of a long history no more is read than is worth while', () => {
  const stateDir = history({
    '1.ndjson': finished('a', 'ran', 100),
    '2.ndjson': finished('b', 'ran', 200),
    '3.ndjson': finished('c', 'ran', 300),
  });
  const size = finished('c', 'ran', 300).length;
  const stages = [1, size, 2 * size, 3 * size].map((bytes) => [...lastDurations(stateDir, 20, bytes).keys()]);
  assert.deepEqual(stages, [['c'], ['c', 'b'], ['c', 'b', 'a'], ['c', 'b', 'a']]);
});
