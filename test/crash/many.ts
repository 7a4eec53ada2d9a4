import { makes } from './project.ts';
import type { Scenario } from './project.ts';

/** A command over so many files that threads share the work. */
export interface ManyScenario extends Scenario {
  /** What threads do in it, among other things: names of the shim's calls. */
  readonly does: readonly string[];
  /** They make at least so many calls. */
  readonly fewest: number;
}

/** More than `hash-files.ts` and `ingest.ts` leave to one thread. */
const MANY_FILES = 8300;
/** More than `copy-files.ts` does. */
const MANY_COPIES = 1100;

export const MANY: readonly ManyScenario[] = [
  {
    name: 'push of many objects',
    args: ['push', '--run-cache'],
    files: makes(MANY_COPIES),
    outs: ['made'],
    does: ['open', 'write'],
    fewest: 2 * MANY_COPIES,
    prepare: async (_rig, run) => void (await run('repro')),
  },
  {
    name: 'a first repro of many outs',
    args: ['repro'],
    files: makes(MANY_FILES),
    outs: ['made'],
    does: ['fchmod', 'link'],
    fewest: MANY_FILES,
    prepare: async () => {},
  },
  {
    name: 'fetch of many objects',
    args: ['fetch', '--run-cache'],
    files: makes(MANY_COPIES),
    outs: ['made'],
    does: ['open', 'write'],
    fewest: 2 * MANY_COPIES,
    async prepare(rig, run) {
      await run('repro');
      await run('push', '--run-cache');
      rig.remove('.lockstep');
    },
  },
  {
    name: 'a repro that takes in many data files',
    args: ['repro'],
    files: { 'pipeline.yaml': 'name: many\ndata: [given/]\nstages: {}\n' },
    outs: ['given'],
    does: ['open', 'write'],
    fewest: MANY_FILES,
    async prepare(rig) {
      for (let index = 0; index < MANY_FILES; index++) rig.write(`given/${index}`, `given ${index}`);
    },
  },
  {
    name: 'a checkout by copy of many files',
    args: ['checkout'],
    files: { 'pipeline.yaml': 'name: many\ndata: [given/]\nstages: {}\n' },
    outs: ['given'],
    does: ['open', 'write'],
    fewest: 2 * MANY_COPIES,
    async prepare(rig, run) {
      for (let index = 0; index < MANY_COPIES; index++) rig.write(`given/${index}`, `given ${index}`);
      await run('repro');
      rig.remove('given');
    },
  },
];
