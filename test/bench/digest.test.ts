import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import test from 'node:test';
import { digestFolder } from '../../bench/harness/digest.ts';
import { createRig } from '../rig.ts';

/** A folder that holds these files says this. */
const digestOf = (files: Readonly<Record<string, string>>): Promise<string> => {
  const rig = createRig();
  for (const [name, text] of Object.entries(files)) rig.write(`folder/${name}`, text);
  return digestFolder(rig.path('folder'));
};

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const FILES = { a: 'one', 'deep/b': 'two' };

test('folders of the same bytes say the same, whatever their files are called and whatever else is beside them', async () => {
  const both = [sha256('one'), sha256('two')].sort().join('\n');
  const said = `2 contents ${sha256(both).slice(0, 12)}`;
  assert.equal(await digestOf(FILES), said);
  assert.equal(await digestOf({ 'other/x': 'two', y: 'one', z: 'one' }), said);
  assert.equal(await digestOf({ ...FILES, 'cd.dir': '[]', 'deep/.hidden': 'x' }), said);
});

for (const [what, files] of Object.entries({
  'another byte': { ...FILES, a: 'onf' },
  'a file less': { a: 'one' },
  'a file more': { ...FILES, c: 'three' },
}))
  test(`a folder with ${what} says something else`, async () => {
    assert.notEqual(await digestOf(files), await digestOf(FILES));
  });
