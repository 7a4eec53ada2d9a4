import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import type { ContentHash, Fingerprint, Json, RelPath, StageLock } from '../../src/base/types.ts';

export const HASH: ContentHash = `sha256:${'ab'.repeat(32)}`;
export const TREE: ContentHash = `sha256:${'cd'.repeat(32)}.dir`;

/** A folder that is removed after the test file. */
export function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-record-'));
  after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A result with every field there is. */
export function resultOf(params: Fingerprint['params'] = { 'params.yaml': { lr: 0.1 } }): StageLock {
  return {
    fingerprint: {
      action: { run: 'stages/a.ts', hermetic: false, allow: ['addons'] },
      api: 1,
      params,
      deps: [{ path: 'in.txt', hash: HASH, name: 'text' }],
      code: { 'stages/a.ts': 'ast1:00' },
      packages: HASH,
      env: { MODE: HASH },
      tick: '2026-03-16T10:30:00.000Z',
      outs: [
        { path: 'out/', name: 'folder' },
        { path: 'x.bin', persist: true },
      ],
    },
    outs: [
      { path: 'out' as RelPath, hash: TREE, kind: 'tree', size: 12, files: 2 },
      { path: 'x.bin' as RelPath, hash: HASH, kind: 'file', size: 3, exec: true },
    ],
    gates: ['reports/m.json rate >= 0.8'],
  };
}

/** The smallest result, for a shell command. */
export function shellResult(cmd: string, params: Fingerprint['params'] = {}): StageLock {
  return {
    fingerprint: { action: { cmd }, params, deps: [], outs: [{ path: 'o' }] },
    outs: [{ path: 'o' as RelPath, hash: HASH, kind: 'file', size: 0 }],
    gates: [],
  };
}

/** Texts and values that files of other kinds have stumbled over. */
export const WEIRD: readonly Json[] = [
  '',
  ' ',
  ' a',
  'a ',
  'a: b',
  'a #b',
  'a#b',
  '#a',
  '- a',
  '-',
  '?',
  ':',
  'a:',
  ':a',
  '{',
  '}',
  '[',
  ']',
  ',',
  '&a',
  '*a',
  '!a',
  '|',
  '>',
  '%a',
  '@a',
  '`a',
  '"',
  "'",
  '\\',
  '~',
  'null',
  'Null',
  'NULL',
  'true',
  'True',
  'yes',
  'No',
  'on',
  'OFF',
  'y',
  'n',
  'N',
  '.inf',
  '-.Inf',
  '.NaN',
  'NaN',
  '.5',
  '.1e3',
  '._',
  '..',
  '...',
  '---',
  '0',
  '12',
  '-1',
  '+1',
  '1.5',
  '1e3',
  'e3',
  '0o17',
  '0x1f',
  '0b1',
  '1_000',
  '1:30',
  '2001-01-01',
  '2001-01-01T00:00:00Z',
  '=',
  '<<',
  '<<<<<<< a',
  '=======',
  'a\nb',
  'a\n',
  '\na',
  'a\tb',
  'a\r\nb',
  '\0',
  '\u0007',
  '\u001B[31m',
  '\u007F',
  '\u0085',
  '\u00A0',
  '\u2028',
  '\u2029',
  '\uFEFF',
  '\uFFFE',
  '\uD800',
  'é',
  '\u{1F600}',
  'e\u0301',
  'a'.repeat(500),
  '__proto__',
  'constructor',
  null,
  true,
  false,
  0,
  1,
  -1,
  1.5,
  0.1,
  -0.25,
  5e-324,
  1.7976931348623157e308,
  1e21,
  1e20,
  1e16,
  9007199254740991,
  9007199254740992,
  123456789012345680000,
  9007199254740993n,
  -12345678901234567890n,
  [],
  {},
  [[]],
  [{}],
  [[1, [2, []]], 'a'],
  { a: {} },
  { a: [] },
  [{ a: 1, b: [2] }, null],
];
