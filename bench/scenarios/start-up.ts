import type { Command } from '../harness/measure.ts';
import { defineScenario } from '../harness/trial.ts';

/** What every command costs before it does anything. */
export default defineScenario({
  title: 'version and help beside a Node that does nothing',
  diskBytes: () => 1e8,
  prepare({ dir, lockstep, peer }) {
    const dvc = peer('dvc');
    const node = {
      name: 'node',
      command: (): Command => ({ argv: [process.execPath, '-e', '0'], cwd: dir }),
    };
    const trial = (flag: string) => ({
      name: flag,
      contenders: [
        { name: 'lockstep', command: (): Command => lockstep(dir, `--${flag}`) },
        node,
        ...(dvc === undefined
          ? []
          : [{ name: 'dvc', command: (): Command => ({ argv: [dvc, `--${flag}`], cwd: dir }) }]),
      ],
      missing: dvc === undefined ? ['dvc'] : [],
    });
    return { trials: [trial('version'), trial('help')], warmUp: 'round', rounds: 15 };
  },
});
