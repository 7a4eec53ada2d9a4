import { nodeStart } from '../harness/references.ts';
import type { Scenario, Trial } from '../harness/trial.ts';

const scenario: Scenario = {
  title: 'version and help',
  rounds: 15,
  diskBytes: () => 1e8,
  prepare(bench) {
    const { dir, lockstep } = bench;
    const dvc = bench.peer('dvc');
    const trial = (flag: string): Trial => ({
      name: flag,
      contenders: [
        { name: 'lockstep', command: () => lockstep(dir, `--${flag}`) },
        nodeStart(bench),
        ...(dvc === undefined
          ? []
          : [{ name: 'dvc', command: () => ({ argv: [dvc, `--${flag}`], cwd: dir }) }]),
      ],
      missing: dvc === undefined ? ['dvc'] : [],
    });
    return { trials: [trial('version'), trial('help')], warmUp: 'round' };
  },
};

export default scenario;
