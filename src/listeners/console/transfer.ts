import type { Event } from '../../base/event.ts';
import { formatBytes, formatCount, formatList, plural } from '../../base/text.ts';

type Transfer = Extract<Event, { type: `transfer-${string}` }>;
type Finished = Extract<Transfer, { type: 'transfer-finished' }>;
type Direction = Transfer['direction'];

/** How far a transfer is, as shown live. */
export interface TransferState {
  readonly direction: Direction;
  readonly remote: string;
  readonly objects: number;
  readonly size: number;
  readonly doneObjects: number;
  readonly doneSize: number;
  /** Bytes per second over the last seconds; `undefined` while nothing can be said. */
  readonly rate: number | undefined;
}

/** Follows the transfers of a command. */
export interface Transfers {
  on(event: Event): void;
  running(now: number): readonly TransferState[];
}

/** A rate is taken over this time: long enough to be calm, short enough to notice a stall. */
const WINDOW_MS = 5000;

export function createTransfers(): Transfers {
  const states = new Map<Direction, Omit<TransferState, 'rate'>>();
  const samples = new Map<Direction, { at: number; size: number }[]>();
  return {
    on(event) {
      if (event.type === 'transfer-started') {
        const { direction, remote, objects, size } = event;
        states.set(direction, {
          direction,
          remote,
          objects,
          size,
          doneObjects: 0,
          doneSize: 0,
        });
        samples.set(direction, [{ at: event.at, size: 0 }]);
      } else if (event.type === 'transfer-progressed') {
        const state = states.get(event.direction);
        const seen = samples.get(event.direction);
        if (!state || !seen) return;
        seen.push({ at: event.at, size: event.size });
        while (seen.length > 2 && event.at - (seen[1]?.at ?? 0) >= WINDOW_MS) seen.shift();
        states.set(event.direction, {
          ...state,
          doneObjects: event.objects,
          doneSize: event.size,
        });
      } else if (event.type === 'transfer-finished' || event.type === 'transfer-broken-off') {
        states.delete(event.direction);
        samples.delete(event.direction);
      }
    },
    running: (now) =>
      [...states.values()].map((state) => ({
        ...state,
        rate: rateOf(samples.get(state.direction) ?? [], now),
      })),
  };
}

/** One that began a moment ago says nothing yet. */
const MIN_SPAN_MS = 500;

/** Nothing that comes tells of a stall: what is late, by how often something came, counts too. */
function rateOf(
  samples: readonly { readonly at: number; readonly size: number }[],
  now: number,
): number | undefined {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || first === last) return undefined;
  const spanMs = last.at - first.at;
  const lateMs = Math.max(0, now - last.at - spanMs / (samples.length - 1));
  if (lateMs >= WINDOW_MS) return 0;
  if (spanMs + lateMs < MIN_SPAN_MS) return undefined;
  return ((last.size - first.size) * 1000) / (spanMs + lateMs);
}

type Moved = Pick<Finished, 'direction' | 'remote' | 'objects' | 'size'>;

/** `to origin`, `from origin` */
export function formatWay({ direction, remote }: Pick<Moved, 'direction' | 'remote'>): string {
  return `${direction === 'push' ? 'to' : 'from'} ${remote}`;
}

function formatObjects({ objects, size }: Moved): string {
  return objects === 0 ? 'nothing' : `${plural(objects, 'object')} (${formatBytes(size)})`;
}

/** `pushing 400 objects (40 MiB) to origin` */
export function formatTransferStart(event: Extract<Transfer, { type: 'transfer-started' }>): string {
  return `${event.direction}ing ${formatObjects(event)} ${formatWay(event)}`;
}

function formatMoved(event: Moved): string {
  const moved = `${event.direction}ed`;
  const words = event.objects === 0 ? `nothing ${moved}` : `${moved} ${formatObjects(event)}`;
  return `${words} ${formatWay(event)}`;
}

/** `pushed 390 objects (39 MiB) to origin, 10 there already, 2 failed`, or of a dry run what it `would push`. */
export function formatTransferEnd(event: Finished): string {
  const { direction, present, missing, failed, dryRun } = event;
  const [there, here] = direction === 'push' ? ['there', 'here'] : ['here', 'there'];
  const parts = [
    dryRun ? `would ${direction} ${formatObjects(event)} ${formatWay(event)}` : formatMoved(event),
  ];
  if (present > 0) parts.push(`${formatCount(present)} ${there} already`);
  if (missing > 0) parts.push(`${formatCount(missing)} missing ${here}`);
  if (failed > 0) parts.push(`${formatCount(failed)} failed`);
  return parts.join(', ');
}

/** `pushed 390 objects (39 MiB) to origin, then it broke off` */
export function formatTransferBreak(event: Extract<Transfer, { type: 'transfer-broken-off' }>): string {
  return `${formatMoved(event)}, then it broke off`;
}

/** `took the results of 2 stages from origin: features, tensor` */
export function formatPulled({ remote, stages }: Extract<Event, { type: 'results-pulled' }>): string {
  const list = formatList(stages, ', ', 12);
  return `took the result${stages.length === 1 ? '' : 's'} of ${plural(stages.length, 'stage')} from ${remote}: ${list}`;
}
