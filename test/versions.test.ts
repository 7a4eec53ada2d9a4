import assert from 'node:assert/strict';
import { test } from 'node:test';
import { writeSealed } from '../src/io/sealed.ts';
import { createRig } from './rig.ts';

/*
 * What another version left behind, an older one or one that is yet to come: nothing of it is lost, and nobody meets a crash.
 */

const FILES = {
  'pipeline.yaml': `data: [in]
stages:
  copy: { cmd: cat in > out, deps: [in], outs: [out] }
  module: { run: stage.ts, deps: [out], outs: { made: made } }
`,
  in: 'x\n',
  'stage.ts': `import { writeFileSync } from 'node:fs';
export default ({ outs }) => writeFileSync(outs.made, 'y');
`,
};

test('private state that another version writes otherwise, under the seal of all, is as if it were not there', async () => {
  const rig = createRig(FILES);
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  for (const text of ['null', '(\u00b5 no JSON at all']) {
    for (const name of ['memo', 'snapshot', 'settled', 'code', 'completion', 'data'])
      writeSealed(rig.path(`.lockstep/${name}`), Buffer.from(text));
    const words = await rig.lockstep(['completion', '--words', '--', 'repro', 'c']);
    assert.deepEqual([words.stdout, words.stderr], ['copy\n', ''], text);
    const ran = await rig.lockstep(['repro']);
    assert.deepEqual([ran.code, ran.stderr], [0, 'Everything is fresh: 2 stages, nothing to do.\n'], text);
  }
});
