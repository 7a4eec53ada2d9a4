import { generateSteps } from '../generate/stages.ts';
import { createRunners, fresh } from '../harness/runners.ts';
import type { Scenario } from '../harness/trial.ts';

const scenario: Scenario = {
  title: 'the first run of 1,000 shell stages; ninja and make keep no copies of the outs',
  rounds: 3,
  diskBytes: () => 2e8,
  prepare(bench) {
    const { runners, missing } = createRunners(bench, generateSteps(bench.quick ? 100 : 1000), [
      'wireit',
      'ninja',
      'make',
    ]);
    return {
      trials: [{ name: 'repro', contenders: runners.map(fresh), missing }],
      warmUp: 'round',
    };
  },
};

export default scenario;
