import assert from 'node:assert/strict';
import test from 'node:test';
import { hashBytes } from '../../src/base/hash.ts';
import type { Artifact, ContentHash, RelPath } from '../../src/base/types.ts';
import { noteIncomplete } from '../../src/execute/incomplete.ts';
import { refuseParts } from '../../src/execute/parts.ts';
import { tempFolder } from '../record/rig.ts';

const PATH = 'in/raw' as RelPath;
const hashOf = (text: string): ContentHash => hashBytes('sha256', text);
const treeOf = (text: string, files: number): Artifact => ({
  path: PATH,
  hash: `${hashOf(text)}.dir`,
  kind: 'tree',
  size: 1,
  files,
});
const WHOLE = treeOf('whole', 4);
/** What is inside of each, as far as a dep may name it. */
const INSIDE: ReadonlyMap<Artifact, Readonly<Record<string, ContentHash>>> = new Map([
  [WHOLE, { a: hashOf('a'), d: hashOf('both'), 'd/b': hashOf('b') }],
  [treeOf('part', 2), { a: hashOf('a'), d: hashOf('one'), 'd/b': hashOf('b') }],
]);

interface Case {
  readonly dep: string;
  readonly verdict?: 'run' | 'skip' | 'restore';
  /** What is here. */
  readonly here?: Artifact;
  /** Of which whole the part was pulled. */
  readonly noted?: Artifact;
  /** The stage that makes the folder, and whether it is to be brought up to date as well. */
  readonly maker?: 'selected' | 'other';
}

/** Whether a stage that reads one dep is refused. */
async function isRefused(one: Case): Promise<boolean> {
  const { dep, verdict = 'run', here = [...INSIDE.keys()][1], noted = WHOLE, maker } = one;
  const root = tempFolder();
  noteIncomplete(root, { path: PATH, hash: noted.hash, files: 4 });
  const looked: string[] = [];
  const judged = (name: string, deps: readonly string[]): unknown => ({
    stage: { name, deps: deps.map((path) => ({ path })) },
    decision: { verdict },
  });
  const options = {
    root,
    folder: '',
    facts: {
      lookOnce: (paths: readonly string[]) => Promise.resolve(void looked.push(...paths)),
      observed: () =>
        looked.includes(PATH) ? { kind: 'tree', artifact: here, entries: [] } : { kind: 'missing' },
      lookInside: (tree: Artifact, below: string) => INSIDE.get(tree)?.[below],
    },
    graph: { makersOf: () => (maker ? [{ stage: 'maker' }] : []) },
    recorder: { lockOf: () => ({ outs: [WHOLE] }), dataOf: () => WHOLE },
    plan: { judgements: [judged('reader', [dep]), ...(maker === 'selected' ? [judged('maker', [])] : [])] },
  };
  try {
    await refuseParts(options as never);
    return false;
  } catch (error) {
    assert.equal((error as { code?: string }).code, 'incomplete.part');
    return true;
  }
}

const CASES: readonly (readonly [what: string, one: Case, isRefused: boolean])[] = [
  ['all of it', { dep: PATH }, true],
  ['what its stage made, which stays as it is', { dep: PATH, maker: 'other' }, true],
  ['a folder around it', { dep: 'in' }, true],
  ['a folder of it that is here in part', { dep: `${PATH}/d` }, true],
  ['what the whole has not', { dep: `${PATH}/none` }, true],
  ['a file that is here', { dep: `${PATH}/a` }, false],
  ['a file of a folder of it', { dep: `${PATH}/d/b` }, false],
  ['something else', { dep: `${PATH}s` }, false],
  ['all of it, and is fresh', { dep: PATH, verdict: 'skip' }, false],
  ['all of it, and is restored', { dep: PATH, verdict: 'restore' }, false],
  ['what its stage makes anew', { dep: PATH, maker: 'selected' }, false],
  ['what is here whole', { dep: PATH, here: WHOLE }, false],
  ['what was edited to as many files', { dep: PATH, here: treeOf('edited', 4) }, false],
  ['what is a part of another whole than the lock names', { dep: PATH, noted: treeOf('other', 4) }, false],
];

for (const [what, one, expected] of CASES)
  test(`where a folder is here in part, a stage that reads ${what} is ${expected ? 'refused' : 'not refused'}`, async () => {
    assert.equal(await isRefused(one), expected);
  });
