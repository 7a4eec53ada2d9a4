import assert from 'node:assert/strict';
import { lstatSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { createRig } from '../rig.ts';
import type { Rig } from '../rig.ts';

const PIPELINE = `name: demo
hash: md5
stages:
  make:
    cmd: mkdir -p out/d && printf x > out/a && printf '2\\n' > 'out/d/ü n.txt' && printf q > one.txt
    outs: [out/, one.txt]
`;

function objects(rig: Rig, algorithm: string): readonly string[] {
  return readdirSync(rig.path(`.lockstep/files/${algorithm}`), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath.slice(-2)}/${entry.name}`)
    .sort();
}

/** As `dvc add` 3.x stores the same files. */
const OBJECTS = [
  '26/ab0db90d72e28ad0ba1e22ee510510',
  '76/94f4a66316e53c8cdd9d9954bd611d',
  '92/ebe0fc8474f4b0a80556bfada1e48b.dir',
  '9d/d4e461268c8034f5c8564e155c67a6',
];

test('a project with "hash: md5" has the objects that DVC has, read-only', async () => {
  const rig = createRig({ 'pipeline.yaml': PIPELINE });
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 0, ran.stderr);
  assert.deepEqual(objects(rig, 'md5'), OBJECTS);
  for (const object of OBJECTS)
    assert.equal(lstatSync(rig.path(`.lockstep/files/md5/${object}`)).mode & 0o777, 0o444);
  assert.equal(
    rig.read('.lockstep/files/md5/92/ebe0fc8474f4b0a80556bfada1e48b.dir'),
    String.raw`[{"md5": "9dd4e461268c8034f5c8564e155c67a6", "relpath": "a"}, {"md5": "26ab0db90d72e28ad0ba1e22ee510510", "relpath": "d/\u00fc n.txt"}]`,
  );
});
