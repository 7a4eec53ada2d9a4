import { formatDuration } from '../base/text.ts';
import type { Project } from '../project.ts';

/** What a command's time goes into; `plan` holds the looking at the disk, too. */
export type Phase = 'read' | 'plan' | 'execute' | 'record';

/** Where the time of one command goes. Time within a phase that another one began counts for the inner one only. */
export interface Phases {
  time<T>(phase: Phase, act: () => Promise<T>): Promise<T>;
  /** The same project, its planning and its writing of the lock timed. */
  watch(project: Project): Project;
  /** `time 1.2s: start 60ms, read 20ms, plan 12ms, execute 1.1s, record 4ms`; phases that took part only. */
  format(): string;
}

const ORDER: readonly Phase[] = ['read', 'plan', 'execute', 'record'];

/** `now` counts milliseconds since the process started, so that the start is told with the rest. */
export function createPhases(now: () => number): Phases {
  const startedAt = now();
  const spent = new Map<Phase, number>();
  const open: { phase: Phase; since: number }[] = [];

  function add(phase: Phase, ms: number): void {
    spent.set(phase, (spent.get(phase) ?? 0) + ms);
  }

  function begin(phase: Phase): () => void {
    const at = now();
    const outer = open.at(-1);
    if (outer) add(outer.phase, at - outer.since);
    const entry = { phase, since: at };
    open.push(entry);
    return () => {
      const end = now();
      add(phase, end - entry.since);
      open.splice(open.indexOf(entry), 1);
      const resumed = open.at(-1);
      if (resumed) resumed.since = end;
    };
  }

  const phases: Phases = {
    async time(phase, act) {
      const end = begin(phase);
      try {
        return await act();
      } finally {
        end();
      }
    },
    watch: (project) => ({
      ...project,
      plan: (...how) => phases.time('plan', () => project.plan(...how)),
      recorder: {
        ...project.recorder,
        flush: () => phases.time('record', async () => project.recorder.flush()),
      },
    }),
    format() {
      const parts = ORDER.flatMap((phase) => {
        const ms = spent.get(phase);
        return ms === undefined ? [] : [`${phase} ${formatDuration(ms)}`];
      });
      return `time ${formatDuration(now())}: ${[`start ${formatDuration(startedAt)}`, ...parts].join(', ')}\n`;
    },
  };
  return phases;
}
