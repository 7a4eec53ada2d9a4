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

test('where a command leaves nothing behind it is run several times, still in turn, prepared and checked once', async () => {
  const order: string[] = [];
  const noted = (name: string): Contender => ({
    name,
    before: () => void order.push(`before ${name}`),
    command: () => ({ argv: [name], cwd: '/' }),
    check: () => {
      order.push(`check ${name}`);
      return 'same';
    },
  });
  const trials = [{ name: 'add again', contenders: [noted('a'), noted('b')], times: 3, isNoOp: true }];
  const [outcome] = await runCourse(
    { trials, warmUp: 'done' },
    {
      rounds: 1,
      scratch: '/',
      run: ({ argv }) => {
        if (argv[0] !== 'sync') order.push(argv[0] ?? '');
        return { ...MEASURED, wallMs: order.length };
      },
      warmMemory: () => assert.fail('it moves no bytes'),
      readPages: () => {},
    },
  );
  const inTurn = ['before a', 'a', 'before b', 'b', 'a', 'b', 'a', 'check a', 'b', 'check b'];
  assert.deepEqual(order, inTurn);
  assert.deepEqual(
    outcome?.taken.map(({ ms }) => ms),
    [
      [2, 5, 7],
      [4, 6, 9],
    ],
  );
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
