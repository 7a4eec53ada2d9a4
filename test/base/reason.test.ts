import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatReason } from '../../src/base/reason.ts';

const long = (end: string): string =>
  `process --from 2020-01-01 --to 2024-12-31 --names a,b,c,d,e,f --end ${end} --verbose`;

for (const [what, from, to, text] of [
  ['short values are shown whole', 1, [2], '1 → [2]'],
  [
    'of long ones what differs is shown, wherever it is',
    long('1'),
    long('22'),
    '...s a,b,c,d,e,f --end 1 --verbose" → ...s a,b,c,d,e,f --end 22 --verbose"',
  ],
] as const)
  test(what, () => {
    const reason = { kind: 'param-changed', file: 'params.yaml', key: 'k', from, to } as const;
    assert.equal(formatReason(reason), `param k changed: ${text}`);
  });
