import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJson } from '../../src/base/hash.ts';
import { createJsonListener } from '../../src/listeners/json.ts';
import { EVERY_EVENT, eventAt } from './events.ts';

function linesOf(...events: readonly ReturnType<typeof eventAt>[]): readonly string[] {
  const writes: string[] = [];
  const listener = createJsonListener({ write: (text) => void writes.push(text) });
  for (const event of events) listener.on(event);
  return writes;
}

test('every event is one line that reads back as what it was', () => {
  const events = EVERY_EVENT.map((body, i) => eventAt(i, body));
  const lines = linesOf(...events);
  assert.deepEqual(
    lines.map((line) => JSON.parse(line) as unknown),
    events,
  );
  assert.ok(lines.every((line) => line.indexOf('\n') === line.length - 1));
});

test('version, time and type come first', () => {
  assert.deepEqual(linesOf(eventAt(17, { type: 'stage-committing', stage: 's' })), [
    '{"v":1,"at":17,"type":"stage-committing","stage":"s"}\n',
  ]);
});

test('whole numbers beyond a double keep their digits, there and back', () => {
  const event = eventAt(1, {
    type: 'stage-started',
    stage: 's',
    attempt: 1,
    reasons: [
      { kind: 'param-changed', file: 'params.yaml', key: 'seed', from: 1, to: 12345678901234567890n },
    ],
  });
  const [line = ''] = linesOf(event);
  assert.match(line, /"to":12345678901234567890\}/);
  assert.deepEqual(parseJson(line), event);
});

test('line ends, quotes and escapes of a stage stay within the line', () => {
  const [line = ''] = linesOf(
    eventAt(1, { type: 'stage-output', stage: 's', stream: 'stdout', chunk: 'a\nb"\u001b[31m\u2028' }),
  );
  assert.equal(line.split('\n').length, 2);
  assert.equal((JSON.parse(line) as { chunk: string }).chunk, 'a\nb"\u001b[31m\u2028');
});
