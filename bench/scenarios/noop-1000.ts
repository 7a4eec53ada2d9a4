import { generateSteps } from '../generate/stages.ts';
import { nodeStart } from '../harness/references.ts';
import { createRunners, idle } from '../harness/runners.ts';
import type { Scenario } from '../harness/trial.ts';

const scenario: Scenario = {
  title: 'nothing to do in 1,000 stages with an input of 1 KiB and a key of params.yaml each',
  rounds: 9,
  diskBytes: () => 2e8,
  prepare(bench) {
    const { runners, missing } = createRunners(bench, generateSteps(bench.quick ? 100 : 1000), [
      'turbo',
      'wireit',
      'ninja',
      'make',
    ]);
    for (const { command } of runners) bench.run(command());
    const contenders = [...runners.map(idle), nodeStart(bench)];
    return { trials: [{ name: 'repro', contenders, missing }], warmUp: 'round' };
  },
};

export default scenario;
