import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { EVERY_EVENT } from './events.ts';

const textOf = (path: string): string => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

/** What a member of a union is told by, of all its members: `readonly type: 'warned'`. */
function namesIn(path: string, key: string): readonly string[] {
  const found = textOf(path).matchAll(new RegExp(`\\{\\s*readonly ${key}: '([\\w-]+)'`, 'g'));
  return [...new Set(Array.from(found, ([, name = '']) => name))].sort();
}

const TYPES = namesIn('src/base/event.ts', 'type');
const KINDS = namesIn('src/base/reason.ts', 'kind');
const page = textOf('docs/events.md');
const documented = [...page.matchAll(/^### `([\w-]+)`$/gm)].map(([, type]) => type ?? '');

test('the page of events has a section for every event and for no other', () => {
  assert.ok(TYPES.length > 20);
  assert.deepEqual(documented.sort(), TYPES);
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
  assert.ok(KINDS.length > 20);
  assert.deepEqual(rows.filter((kind) => kind !== 'kind').sort(), KINDS);
});

test('the tests of listeners know an example of every event', () => {
  assert.deepEqual([...new Set(EVERY_EVENT.map(({ type }) => type))].sort(), TYPES);
});
