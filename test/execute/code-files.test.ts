import assert from 'node:assert/strict';
import test from 'node:test';
import { createRig } from '../rig.ts';

const PIPELINE = 'stages:\n  a: { run: stages/a.ts, outs: { x: x.txt } }\n';

/** Refuses to read an asset at once, as Node does with a file over 2 GiB, which takes long to hash. */
const LIMIT = `import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
const read = fs.readFileSync;
fs.readFileSync = (path, ...rest) => {
  if (String(path).endsWith('.bin')) throw new RangeError(path + ' is too large');
  return read(path, ...rest);
};
syncBuiltinESMExports();`;

test('a file that is named by URL is hashed piece by piece, whatever its size', async () => {
  const rig = createRig({
    'pipeline.yaml': PIPELINE,
    'stages/a.ts': `import { statSync, writeFileSync } from 'node:fs';
const large = new URL('./large.bin', import.meta.url);
export default ({ outs }) => writeFileSync(outs.x, String(statSync(large).size));
`,
    'stages/large.bin': Buffer.alloc(3 * 1024 * 1024, 'x'),
  });
  const env = { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(LIMIT)}` };
  const ran = await rig.lockstep(['repro'], { env });
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(rig.read('x.txt'), '3145728');
  // Python: hashlib.sha256(b'x' * 3 * 1024 * 1024)
  assert.match(
    rig.read('pipeline.lock'),
    /stages\/large\.bin: sha256:3bea8a9a07c1e8dcaa4c1b816815c35a29b4fb585ba6ecc70ea44840a794cfb3\n/,
  );
});

test('imports and URLs with escapes lead where Node finds them', async () => {
  const rig = createRig({
    'pipeline.yaml': PIPELINE,
    'stages/a.ts': `import { readFileSync, writeFileSync } from 'node:fs';
import { one } from './the%20one.ts';
const text = new URL('texts/a%20b.txt', import.meta.url);
export default ({ outs }) => writeFileSync(outs.x, one + readFileSync(text, 'utf8'));
`,
    'stages/the one.ts': "export const one = '1';\n",
    'stages/texts/a b.txt': '2',
  });
  const ran = await rig.lockstep(['repro']);
  assert.equal(ran.code, 0, ran.stderr);
  assert.equal(rig.read('x.txt'), '12');
});

test('a URL of a folder around the module makes no code of what lies there; what is read is a dep', async () => {
  const rig = createRig({
    'pipeline.yaml': PIPELINE,
    'stages/a.ts': `import { readFileSync, writeFileSync } from 'node:fs';
const root = new URL('..', import.meta.url);
export default ({ outs }) => writeFileSync(outs.x, readFileSync(new URL('in.txt', root)));
`,
    'in.txt': '1',
  });
  const undeclared = await rig.lockstep(['repro']);
  assert.equal(undeclared.code, 1);
  assert.match(
    undeclared.stderr,
    /^error\[stage\.undeclared\]: stage "a" reads "in\.txt", which it does not declare$/m,
  );
  assert.match(undeclared.stderr, /= hint: add "in\.txt" to the deps: of "a"$/m);

  rig.write('pipeline.yaml', PIPELINE.replace('outs:', 'deps: [in.txt], outs:'));
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  rig.write('other.txt', 'beside');
  assert.match((await rig.lockstep(['repro'])).stderr, /nothing to do/);
});

test('another order of keys in imported JSON, another layout of JSON that is read, make a stage run', async () => {
  const rig = createRig({
    'pipeline.yaml': PIPELINE,
    'stages/a.ts': `import { readFileSync, writeFileSync } from 'node:fs';
import columns from './columns.json' with { type: 'json' };
const text = new URL('./text.json', import.meta.url);
export default ({ outs }) => writeFileSync(outs.x, Object.keys(columns) + readFileSync(text, 'utf8'));
`,
    'stages/columns.json': '{"date":1,"close":2}',
    'stages/text.json': '[1]',
  });
  const outAfter = async (name: string, text: string): Promise<string> => {
    rig.write(name, text);
    const ran = await rig.lockstep(['repro']);
    assert.equal(ran.code, 0, ran.stderr);
    return rig.read('x.txt');
  };
  assert.equal(await outAfter('stages/columns.json', '{"date":1,"close":2}'), 'date,close[1]');
  assert.equal(await outAfter('stages/columns.json', '{"close":2,"date":1}'), 'close,date[1]');
  assert.equal(await outAfter('stages/text.json', '[ 1 ]'), 'close,date[ 1 ]');
});
