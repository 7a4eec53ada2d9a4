/**
 * What goes wrong: a status of that number · `cut`: the body ends in the middle · `slow`: the answer waits · `reset`: the connection
 * breaks · `captcha`: a page for humans with status 200 · `empty`: no rows · `renamed`: other ids and classes · `next`: Investing's
 * newer page, made by scripts · `utf16`: UTF-16 under a header that says UTF-8.
 */
const KINDS = [
  '403',
  '404',
  '429',
  '500',
  '502',
  '503',
  'cut',
  'slow',
  'reset',
  'captcha',
  'empty',
  'renamed',
  'next',
  'utf16',
] as const;

/** One of them. */
export type FaultKind = (typeof KINDS)[number];

/** A fault and the requests it hits. */
export interface Fault {
  readonly kind: FaultKind;
  /** Retry-After of 429 and 503 in seconds, seconds of `slow`, status of `captcha`. */
  readonly value: number | undefined;
  /** How many requests of one path it hits before it is over; Infinity for all. */
  readonly times: number;
  /** A whole segment of the path that must be there (`INFY.NS`, `investing`); undefined hits every path. */
  readonly segment: string | undefined;
}

/** The grammar of a fault list, for help texts. */
export const FAULT_HELP: string = `KIND[=VALUE][*TIMES][@SEGMENT],…   KIND is one of ${KINDS.join(' ')}`;

// Another status cannot be sent, and a longer wait is none: a timer that overflows ends at once.
const RANGES: Partial<
  Record<FaultKind, { readonly of: string; readonly min: number; readonly max: number }>
> = {
  captcha: { of: 'a status of captcha is', min: 200, max: 599 },
  slow: { of: 'seconds of slow are', min: 0, max: 3600 },
};

const SPEC = /^([a-z0-9]+)(?:=(\d+))?(?:\*(\d+))?(?:@(.+))?$/;

/**
 * The faults in a text such as `429=1*2@INFY.NS,captcha@investing`; empty text, no faults.
 * Throws an Error that quotes the part it does not understand or cannot do.
 */
export function parseFaults(text: string): readonly Fault[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '')
    .map((part) => {
      const [, name, value, times, segment] = SPEC.exec(part) ?? [];
      const kind = KINDS.find((known) => known === name);
      if (kind === undefined) throw new Error(`fault "${part}" is not of the form ${FAULT_HELP}`);
      const number = value === undefined ? undefined : Number(value);
      const range = RANGES[kind];
      if (number !== undefined && range !== undefined && !(range.min <= number && number <= range.max)) {
        throw new Error(`fault "${part}" is not possible: ${range.of} ${range.min} to ${range.max}`);
      }
      return {
        kind,
        value: number,
        times: times === undefined ? Number.POSITIVE_INFINITY : Number(times),
        segment,
      };
    });
}

/** Says for each request which fault hits it, and counts. */
export interface FaultBox {
  /** The first fault of the list, then of `extra`, that fits the path and is not over; it counts as used. `path` has decoded segments. */
  take(path: readonly string[], extra: readonly Fault[]): Fault | undefined;
}

/** A box with the faults of a server; several that fit one path follow each other as their counts run out. */
export function createFaultBox(faults: readonly Fault[]): FaultBox {
  const used = new Map<string, number>();
  return {
    take(path, extra) {
      for (const [index, fault] of [...faults, ...extra].entries()) {
        if (fault.segment !== undefined && !path.includes(fault.segment)) continue;
        // An extra fault comes with its request, so it is known by what it says and not by its place.
        const name = index < faults.length ? `#${index}` : JSON.stringify(fault);
        const key = `${name} ${path.join('/')}`;
        const count = used.get(key) ?? 0;
        if (count >= fault.times) continue;
        used.set(key, count + 1);
        return fault;
      }
      return undefined;
    },
  };
}
