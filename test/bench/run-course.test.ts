import assert from 'node:assert/strict';
import test from 'node:test';
import type { Command, Measured } from '../../bench/harness/measure.ts';
import { runCourse } from '../../bench/harness/run-course.ts';
import type { Contender, Course } from '../../bench/harness/trial.ts';

const MEASURED: Measured = { wallMs: 1, ownCpuMs: 1, cpuMs: 1, peakBytes: 1, stdout: '', stderr: '' };

function contender(name: string, made?: string): Contender {
  const command = (): Command => ({ argv: [name], cwd: '/' });
  return { name, command, ...(made !== undefined && { check: () => made }) };
}

function courseOf(contenders: readonly Contender[], warmUp: Course['warmUp']): Course {
  return { trials: [{ name: 'add', contenders }], warmUp };
}

test('contenders are run in turn, round by round, and a warming round does not count', async () => {
  const order: string[] = [];
  const run = ({ argv }: Command): Measured => {
    order.push(argv[0] ?? '');
    return { ...MEASURED, wallMs: order.length, peakBytes: order.length };
  };
  const reading = { ...contender('b', 'same'), reads: 'source' };
  const course = courseOf([contender('a', 'same'), reading], 'round');
  const outcomes = await runCourse(course, {
    rounds: 2,
    scratch: '/',
    run,
    warmMemory: () => order.push('memory'),
    readPages: (folder) => order.push(folder),
  });
  assert.deepEqual(
    order.filter((name) => name !== 'sync'),
    [1, 2, 3].flatMap(() => ['memory', 'a', 'source', 'memory', 'b']),
  );
  assert.deepEqual(outcomes, [
    {
      trial: 'add',
      taken: [
        { name: 'a', ms: [10, 17], peakBytes: 17 },
        { name: 'b', ms: [14, 21], peakBytes: 21 },
      ],
      missing: [],
      made: 'same',
    },
  ]);
});

test('two contenders that made different things end the benchmark', async () => {
  const course = courseOf(
    [contender('lockstep', '2 files'), contender('floor'), contender('peer', '3 files')],
    'done',
  );
  await assert.rejects(
    runCourse(course, {
      rounds: 1,
      scratch: '/',
      run: () => MEASURED,
      warmMemory: () => {},
      readPages: () => {},
    }),
    {
      message: 'in "add" peer made "3 files", but "2 files" was made before',
    },
  );
});
