import assert from 'node:assert/strict';
import test from 'node:test';
import { createRig } from './rig.ts';

const PIPELINE = `name: demo
stages:
  copy:
    cmd: cat in.txt > copy.txt
    deps: [in.txt]
    outs: [copy.txt]
  count:
    run: stages/count.ts
    deps: { text: copy.txt }
    outs: { lines: lines.json }
`;

const COUNT = `import { readFileSync, writeFileSync } from 'node:fs';
import { defineStage } from 'lockstep-data';
export default defineStage(({ deps, outs }) => {
  writeFileSync(outs.lines!, JSON.stringify({ lines: readFileSync(deps.text!, 'utf8').split('\\n').length - 1 }));
});
`;

test('a first repro runs every stage, a second one nothing, and an edit only what reads it', async () => {
  const rig = createRig({ 'pipeline.yaml': PIPELINE, 'stages/count.ts': COUNT, 'in.txt': 'one\ntwo\n' });
  const first = await rig.lockstep(['repro']);
  assert.equal(first.code, 0, first.stderr);
  assert.equal(rig.read('lines.json'), '{"lines":2}');
  const lock = rig.read('pipeline.lock');

  const second = await rig.lockstep(['repro']);
  assert.equal(second.stderr, 'Everything is fresh: 2 stages, nothing to do.\n');
  assert.equal(rig.read('pipeline.lock'), lock);

  rig.write('stages/count.ts', `// a comment changes nothing\n${COUNT}`);
  const commented = await rig.lockstep(['repro']);
  assert.equal(commented.stderr, 'Everything is fresh: 2 stages, nothing to do.\n');

  rig.write('stages/count.ts', COUNT.replace('- 1', '- 0'));
  const status = await rig.lockstep(['status']);
  assert.equal(
    status.stdout,
    'count  would run      code stages/count.ts modified\n\n2 stages: 1 to run, 1 fresh\n',
  );

  rig.write('stages/count.ts', COUNT);
  rig.write('in.txt', 'one\ntwo\nthree\n');
  assert.equal((await rig.lockstep(['repro'])).code, 0);
  assert.equal(rig.read('lines.json'), '{"lines":3}');

  rig.write('in.txt', 'one\ntwo\n');
  const back = await rig.lockstep(['repro', '--json']);
  const outcomes = back.stdout
    .split('\n')
    .filter((line) => line.includes('"stage-finished"'))
    .map((line) => (JSON.parse(line) as { outcome: string }).outcome);
  assert.deepEqual(outcomes, ['restored', 'restored']);
  assert.equal(rig.read('lines.json'), '{"lines":2}');
  assert.equal(rig.read('pipeline.lock'), lock);
});
