import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRig } from '../rig.ts';

/** Names that sort before, between and after what is in the folder `k`. */
const NAMES = ['k-1/a', 'k.txt', 'k/a', 'k/b/c', 'k0/a', 'k\uFF5E/a', '\u{1F600}/a', 'ka', 'l'];

/** Stages that each read a part of an out; `tell` prints what it reads. */
const PIPELINE = `stages:
  split:
    cmd: cp -r src parts
    deps: [src]
    outs: [parts]
  tell:
    foreach: [k, k-1, k.txt, "k\uFF5E", "\u{1F600}", l]
    do:
      cmd: find "parts/\${item}" -type f | sort > "told-\${key}.txt"
      deps: ["parts/\${item}"]
      outs: ["told-\${key}.txt"]
`;

test('a stage that reads a folder of an out depends on what is in it, whatever stands beside it', async () => {
  const rig = createRig({
    'pipeline.yaml': PIPELINE,
    ...Object.fromEntries(NAMES.map((name) => [`src/${name}`, `${name}\n`])),
  });
  const first = await rig.lockstep(['repro']);
  assert.equal(first.code, 0, first.stderr);
  assert.equal(rig.read('told-k.txt'), 'parts/k/a\nparts/k/b/c\n');
  rig.write('src/k0/a', 'other\n');
  rig.write('src/k.txt', 'other\n');
  rig.write('src/k\uFF5E/a', 'other\n');
  const second = await rig.lockstep(['repro', '--json']);
  const ran = second.stdout.split('\n').flatMap((line) => {
    const event = JSON.parse(line || '{}') as { type?: string; outcome?: string; stage?: string };
    return event.type === 'stage-finished' && event.outcome === 'ran' ? [event.stage] : [];
  });
  assert.deepEqual(new Set(ran), new Set(['split', 'tell@k.txt', 'tell@k\uFF5E']));
});
