import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { EventBody } from '../../src/base/event.ts';
import type { Reason } from '../../src/base/reason.ts';
import { EVERY_EVENT } from './events.ts';

// Both lists are complete, or this file does not compile.
const TYPES: Readonly<Record<EventBody['type'], true>> = {
  'run-started': true,
  'plan-made': true,
  'run-finished': true,
  'stage-started': true,
  'stage-output': true,
  'stage-progressed': true,
  'attempt-failed': true,
  'gate-evaluated': true,
  'stage-committing': true,
  'stage-finished': true,
  'data-recorded': true,
  'data-restored': true,
  'attempt-recovered': true,
  'mutex-waited': true,
  warned: true,
  'transfer-started': true,
  'transfer-progressed': true,
  'transfer-finished': true,
  'transfer-broken-off': true,
  'object-refused': true,
  'results-pulled': true,
};
const KINDS: Readonly<Record<Reason['kind'], true>> = {
  fresh: true,
  frozen: true,
  'never-run': true,
  'record-edited': true,
  forced: true,
  always: true,
  'action-changed': true,
  'api-changed': true,
  'param-changed': true,
  'dep-changed': true,
  'code-changed': true,
  'packages-changed': true,
  'algorithm-changed': true,
  'form-changed': true,
  'env-changed': true,
  refreshed: true,
  'outs-changed': true,
  'out-missing': true,
  'out-changed': true,
  'gate-changed': true,
  upstream: true,
  'upstream-failed': true,
};

const page = readFileSync(new URL('../../docs/events.md', import.meta.url), 'utf8');
const documented = [...page.matchAll(/^### `([\w-]+)`$/gm)].map(([, type]) => type ?? '');

test('the page of events has a section for every event and for no other', () => {
  assert.deepEqual(documented.sort(), Object.keys(TYPES).sort());
});

test('each section names every field of its event', () => {
  for (const { type, ...fields } of EVERY_EVENT) {
    const section = page.split(`### \`${type}\``)[1]?.split(/^##/m)[0] ?? '';
    for (const field of Object.keys(fields)) assert.ok(section.includes(`\`${field}\``), `${type} ${field}`);
  }
});

test('the page of events has a row for every reason and for no other', () => {
  const rows = [...(page.split('## Reasons')[1] ?? '').matchAll(/^\| `([\w-]+)` \|/gm)].map(
    ([, kind]) => kind ?? '',
  );
  assert.deepEqual(rows.filter((kind) => kind !== 'kind').sort(), Object.keys(KINDS).sort());
});

test('the tests of listeners know an example of every event', () => {
  assert.deepEqual([...new Set(EVERY_EVENT.map(({ type }) => type))].sort(), Object.keys(TYPES).sort());
});
