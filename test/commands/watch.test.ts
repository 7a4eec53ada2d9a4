import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import test from 'node:test';
import type { Ran, Rig, Running } from '../rig.ts';
import { createDemo, jsonOf } from './projects.ts';

/** A watch whose JSON lines can be waited for one after the other. */
interface Watch {
  readonly running: Running;
  /** Resolves when it has begun to watch for the n-th time. */
  watching(times: number): Promise<void>;
  end(): Promise<Ran>;
}

function watchIn(rig: Rig, ...words: readonly string[]): Watch {
  const running = rig.start(['watch', '--json', ...words]);
  let text = '';
  const waiting = new Set<() => void>();
  running.process.stdout?.on('data', (chunk: string) => {
    text += chunk;
    for (const look of waiting) look();
  });
  return {
    running,
    watching: (times) =>
      new Promise((resolve, reject) => {
        const look = (): void => {
          if (text.split('{"type":"watching"}').length > times) resolve();
        };
        waiting.add(look);
        look();
        void running.ended.then((ran) => reject(new Error(`the watch ended: ${ran.stdout}${ran.stderr}`)));
      }),
    end() {
      running.process.kill('SIGINT');
      return running.ended;
    },
  };
}

/** What each run of a watch ran: `copy split count`. */
function runsOf(ran: Ran): readonly string[] {
  const runs: string[][] = [];
  for (const event of jsonOf(ran)) {
    if (event['type'] === 'run-started') runs.push([]);
    if (event['type'] === 'stage-finished' && event['outcome'] !== 'fresh')
      runs.at(-1)?.push(String(event['stage']));
  }
  return runs.map((stages) => stages.join(' '));
}

/** Saves as careful editors do, in one step: whoever watches sees the old file or the new one. */
function save(rig: Rig, name: string, text: string): void {
  rig.write('node_modules/saved', text);
  renameSync(rig.path('node_modules/saved'), rig.path(name));
}

test('a saved file reruns exactly what it makes stale, and what stages write reruns nothing', async () => {
  const rig = await createDemo();
  const watch = watchIn(rig);
  await watch.watching(1);
  save(rig, 'in.txt', 'four\n');
  await watch.watching(2);
  save(rig, 'params.yaml', 'width: 2\n');
  await watch.watching(3);
  save(rig, 'in.txt', 'five\nsix\n');
  await watch.watching(4);
  const ran = await watch.end();
  assert.equal(ran.code, 0);
  assert.equal(ran.stderr, '');
  // Of the second change: "split" writes the same parts, which stops the wave.
  assert.deepEqual(runsOf(ran), ['', 'copy split count', 'split', 'copy split count']);
  assert.equal(rig.read('count.txt'), '2\n');
  assert.deepEqual(
    jsonOf(ran).flatMap((event) => (event['type'] === 'changed' ? [event['paths']] : [])),
    [['in.txt'], ['params.yaml'], ['in.txt']],
  );
});

test('each run of a watch has a history of its own', async () => {
  const rig = await createDemo();
  const watch = watchIn(rig);
  await watch.watching(1);
  save(rig, 'in.txt', 'four\n');
  await watch.watching(2);
  save(rig, 'in.txt', 'five\nsix\n');
  await watch.watching(3);
  assert.equal((await watch.end()).code, 0);
  const rows = jsonOf(await rig.lockstep(['log', '--json']));
  assert.equal(rows.length, 3);
  for (const { run, outcome, stages } of rows) {
    assert.equal(outcome, 'succeeded');
    assert.deepEqual(stages, { ran: 3 });
    const events = jsonOf(await rig.lockstep(['log', String(run), '--json']));
    assert.equal(events.filter((event) => event['type'] === 'run-started').length, 1);
  }
});

test('a broken pipeline.yaml and a failing stage are told and waited out', async () => {
  const rig = await createDemo();
  const good = rig.read('pipeline.yaml');
  const watch = watchIn(rig);
  await watch.watching(1);
  save(rig, 'pipeline.yaml', good.replace('stages:', 'stagse:'));
  await watch.watching(2);
  save(rig, 'pipeline.yaml', good.replace('ls parts', 'exit 3; ls parts'));
  await watch.watching(3);
  save(rig, 'pipeline.yaml', good.replace('ls parts', 'ls  parts'));
  await watch.watching(4);
  const ran = await watch.end();
  assert.equal(ran.code, 0);
  const [error] = jsonOf(ran).filter((event) => event['type'] === 'error');
  assert.match(JSON.stringify(error), /did you mean \\"stages\\"/);
  assert.deepEqual(
    jsonOf(ran).flatMap((event) => (event['type'] === 'run-finished' ? [event['outcome']] : [])),
    ['succeeded', 'failed', 'succeeded'],
  );
});

test('a watch that begins with a broken pipeline waits until it is mended', async () => {
  const rig = await createDemo();
  const good = rig.read('pipeline.yaml');
  rig.write('pipeline.yaml', 'name: [\n');
  const watch = watchIn(rig);
  await watch.watching(1);
  save(rig, 'pipeline.yaml', good);
  await watch.watching(2);
  assert.equal((await watch.end()).code, 0);
});

test('Ctrl-C in the middle of a run ends it with 0 and leaves nothing behind', async () => {
  const rig = await createDemo({
    'pipeline.yaml':
      'name: a\nstages:\n  slow: { cmd: "grep -q go in.txt && echo holding && sleep 60; cat in.txt > a", deps: [in.txt], outs: [a] }\n',
  });
  const watch = watchIn(rig);
  await watch.watching(1);
  save(rig, 'in.txt', 'go\n');
  await watch.running.seen('holding');
  const ran = await watch.end();
  assert.equal(ran.code, 0);
  assert.equal(rig.read('a'), 'one\ntwo\nthree\n', 'the old out stands');
  const next = await rig.lockstep(['status']);
  assert.equal(next.stdout, 'slow  would run      dep in.txt modified\n\n1 stage: 1 to run\n');
  const again = rig.start(['repro', '--json']);
  await again.seen('holding');
  again.process.kill('SIGINT');
  assert.ok(!(await again.ended).stdout.includes('attempt-recovered'), 'there was nothing to clean up');
});

test('for people a watch says what changed and that it watches', async () => {
  const rig = await createDemo();
  const running = rig.start(['watch', 'copy']);
  await running.seen('Watching; Ctrl-C ends.\n');
  save(rig, 'in.txt', 'four\n');
  await running.seen('1 stage: 1 ran in');
  running.process.kill('SIGINT');
  const ran = await running.ended;
  assert.equal(ran.code, 0);
  assert.match(ran.stdout, /^Watching; Ctrl-C ends\.\n\nChanged: in\.txt\n/);
});
