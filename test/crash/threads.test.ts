import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import test from 'node:test';
import { failAt } from './failures.ts';
import { killsAt } from './kills.ts';
import { MANY } from './many.ts';
import { createSeeded, sampleOf, seedOf } from './seeded.ts';
import type { Seeded } from './seeded.ts';
import { createStage } from './trial.ts';
import type { Stage } from './trial.ts';
import type { Trial } from './points.ts';

const SEED = seedOf(process.env);
/** Of the calls of threads, and one less of the others and of those that name a folder of files; each is several runs over thousands of files. */
const POINTS = sampleOf(process.env, 1) ?? 8;
/** With every change only those whose threads do something that no earlier one's do. */
const CHOSEN = POINTS > 1 ? MANY : MANY.slice(0, 2);

/** Places of calls by the seed. */
function sampleCalls({ calls, byThreads }: Stage, seeded: Seeded): readonly number[] {
  const places = [...calls.keys()];
  const ofThreads = places.filter((at) => byThreads.has(at));
  const others = places.filter((at) => !byThreads.has(at));
  const naming = others.filter((at) => /^rename .*\.tmp\/[0-9a-f]{2}$/.test(calls[at] ?? ''));
  return [
    ...seeded.sample(ofThreads, POINTS),
    ...seeded.sample(others, POINTS - 1),
    ...seeded.sample(naming, POINTS - 1),
  ];
}

/**
 * Two threads come to their n-th call in another order each time, so the call that is met may be another one than the name
 * of a trial says. What must hold does not depend on that.
 */
function trialsOf(stage: Stage, seeded: Seeded): readonly Trial[] {
  return sampleCalls(stage, seeded).map((place) => {
    const call = stage.calls[place] ?? '';
    const code = seeded.pick(['EIO', 'ENOSPC', 'EACCES', 'EMFILE']);
    const where = { at: place + 1 };
    const fault = {
      what: `${stage.scenario.name}, ${code} ${place + 1}: ${call}`,
      run: () => failAt(stage, code, where),
    };
    return seeded.pick([...killsAt(stage, call, where), fault]);
  });
}

for (const scenario of CHOSEN) {
  test(
    `${scenario.name}: killed or failed in any thread, nothing is lost and the next command ends as if undisturbed`,
    { skip: availableParallelism() < 2 ? 'one core starts no threads' : false },
    async (t) => {
      const stage = await createStage(scenario);
      try {
        assert.ok(
          stage.byThreads.size >= scenario.fewest,
          `threads made only ${stage.byThreads.size} of ${stage.calls.length} calls`,
        );
        for (const name of scenario.does)
          assert.ok(
            [...stage.byThreads].some((at) => stage.calls[at]?.startsWith(`${name} `)),
            `no thread did ${name}`,
          );
        let met = 0;
        const trials = trialsOf(stage, createSeeded(SEED));
        for (const trial of trials) if (await trial.run()) met++;
        t.diagnostic(
          `LOCKSTEP_SEED=${SEED}: ${stage.calls.length} calls, ${stage.byThreads.size} by threads; ${trials.length} points, ${met} met`,
        );
        // A folder of objects is named whole or file by file, as its files come: what is a run's last call need not be
        // made in another run.
        assert.ok(met * 2 >= trials.length, `only ${met} of ${trials.length} commands were disturbed`);
      } finally {
        stage.close();
      }
    },
  );
}
