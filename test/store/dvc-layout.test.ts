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

test('another algorithm is told; "commit" records everything anew and runs nothing', async () => {
  const more = '  after: { cmd: "cat one.txt > after.txt", deps: [one.txt], outs: [after.txt] }\n';
  const rig = createRig({ 'pipeline.yaml': PIPELINE.replace('hash: md5\n', '') + more });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('pipeline.yaml', PIPELINE + more);
  const status = await rig.lockstep(['status']);
  assert.match(
    status.stdout,
    /^make +would run +recorded with another hash algorithm \("lockstep commit" takes over/m,
  );
  const committed = await rig.lockstep(['commit']);
  assert.equal(committed.code, 0, committed.stderr);
  assert.match(rig.read('pipeline.lock'), /hash: md5:92ebe0fc8474f4b0a80556bfada1e48b\.dir/);
  assert.doesNotMatch(rig.read('pipeline.lock'), /hash: sha256/);
  assert.equal((await rig.lockstep(['status', '--quiet'])).code, 0);
  for (const object of OBJECTS) assert.ok(objects(rig, 'md5').includes(object), object);
});

test('a run after another algorithm was chosen makes everything fresh too', async () => {
  const rig = createRig({ 'pipeline.yaml': PIPELINE.replace('hash: md5\n', '') });
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('pipeline.yaml', PIPELINE);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  assert.equal((await rig.lockstep(['status', '--quiet'])).code, 0);
  assert.deepEqual(objects(rig, 'md5'), OBJECTS);
});
