import type { Stage } from '../base/types.ts';

/** Decides who may start: at most `jobs` at a time, at most a pool's size of those that name it; highest rank first. */
export interface Slots {
  /** Resolves when the stage may run. */
  take(stage: Stage, rank: number): Promise<Slot>;
}

export interface Slot {
  /** Gives it back; with the rank of an heir who is not ready yet, only if it would go to someone else all the same. */
  release(heir?: number): void;
}

interface Waiting {
  readonly rank: number;
  readonly order: number;
  readonly start: (slot: Slot) => void;
}

/** The stages of one pool, or of none, so that a full pool holds up nobody else. */
interface Lane {
  /** How many more of them may start. */
  free: number;
  /** A heap. */
  readonly queue: Waiting[];
}

export function createSlots(jobs: number, pools: Readonly<Record<string, number>>): Slots {
  let free = jobs;
  let order = 0;
  let isFillingLater = false;
  const lanes = new Map<string | undefined, Lane>();
  lanes.set(undefined, { free: Number.POSITIVE_INFINITY, queue: [] });
  for (const [pool, size] of Object.entries(pools)) lanes.set(pool, { free: size, queue: [] });

  /** The lane whose first is to start; `freed`: as if one of this lane had ended. */
  function next(freed?: Lane): Lane | undefined {
    let best: Lane | undefined;
    for (const lane of lanes.values()) {
      const top = lane.queue[0];
      if (!top || (lane.free <= 0 && lane !== freed)) continue;
      const leader = best?.queue[0];
      if (!leader || isBefore(top, leader)) best = lane;
    }
    return best;
  }

  function fill(): void {
    while (free > 0) {
      const lane = next();
      const waiting = lane && pop(lane.queue);
      if (!waiting) return;
      free--;
      lane.free--;
      let released = false;
      waiting.start({
        release(heir) {
          if (released) return;
          if (heir !== undefined && (next(lane)?.queue[0]?.rank ?? -1) < heir) return;
          released = true;
          free++;
          lane.free++;
          if (heir === undefined) fillLater();
          else fill();
        },
      });
    }
  }

  /** Those that waited for a stage which has ended are compared too, once they have heard of it. */
  function fillLater(): void {
    isFillingLater = true;
    setImmediate(() => {
      isFillingLater = false;
      fill();
    });
  }

  return {
    take(stage, rank) {
      const { promise, resolve } = Promise.withResolvers<Slot>();
      const lane = lanes.get(stage.policy.pool);
      if (!lane) throw new Error(`no pool "${stage.policy.pool}"`);
      push(lane.queue, { rank, order: order++, start: resolve });
      // All stages that become ready in one turn are compared before the first of them starts.
      if (!isFillingLater) queueMicrotask(fill);
      return promise;
    },
  };
}

function isBefore(a: Waiting, b: Waiting): boolean {
  return a.rank !== b.rank ? a.rank > b.rank : a.order < b.order;
}

function push(heap: Waiting[], item: Waiting): void {
  let at = heap.push(item) - 1;
  for (let up = (at - 1) >> 1; at > 0 && isBefore(item, heap[up] as Waiting); up = (at - 1) >> 1) {
    heap[at] = heap[up] as Waiting;
    at = up;
  }
  heap[at] = item;
}

function pop(heap: Waiting[]): Waiting | undefined {
  const top = heap[0];
  const last = heap.pop();
  if (!top || !last || heap.length === 0) return top;
  let at = 0;
  for (let down = 1; down < heap.length; down = 2 * at + 1) {
    if (down + 1 < heap.length && isBefore(heap[down + 1] as Waiting, heap[down] as Waiting)) down++;
    if (!isBefore(heap[down] as Waiting, last)) break;
    heap[at] = heap[down] as Waiting;
    at = down;
  }
  heap[at] = last;
  return top;
}
