import type { Json } from '../base/types.ts';

/** The one thing that the runner tells a stage process, when it starts it. Paths are absolute. */
export interface ChildJob {
  readonly module: string;
  /** URL → text of modules whose types the runner has already taken out: what it fingerprinted is what runs. */
  readonly scripts: Readonly<Record<string, string>>;
  readonly deps: Readonly<Record<string, string>>;
  readonly outs: Readonly<Record<string, string>>;
  readonly params: Readonly<Record<string, Json>>;
  readonly env: readonly string[];
  /** Epoch ms. */
  readonly now: number;
}

/** What a stage process tells the runner. */
export type ChildMessage =
  | { readonly type: 'log'; readonly text: string }
  | { readonly type: 'progress'; readonly done: number; readonly total?: number; readonly label?: string }
  /** The permission model refused something, whether or not the code noticed. */
  | { readonly type: 'denied'; readonly permission: string; readonly resource: string }
  | { readonly type: 'done'; readonly peakMemory: number }
  | {
      readonly type: 'failed';
      readonly message: string;
      readonly stack: string;
      /** What the permission model refused, in Node's words: `FileSystemRead`, `ChildProcess`, `Addon`, … */
      readonly permission?: string;
      readonly resource?: string;
      /** The error said `retryable: false`: another attempt would end alike. */
      readonly hopeless?: true;
    };

type Test = (value: unknown) => boolean;

const isText: Test = (value) => typeof value === 'string';
const isAmount: Test = (value) => Number.isFinite(value);
const orNone =
  (test: Test): Test =>
  (value) =>
    value === undefined || test(value);

const FIELDS: Readonly<Record<ChildMessage['type'], Readonly<Record<string, Test>>>> = {
  log: { text: isText },
  progress: { done: isAmount, total: orNone(isAmount), label: orNone(isText) },
  denied: { permission: isText, resource: isText },
  done: { peakMemory: isAmount },
  failed: {
    message: isText,
    stack: isText,
    permission: orNone(isText),
    resource: orNone(isText),
    hopeless: orNone((value) => value === true),
  },
};

/** Whether that is a message of ours: the stage's own code can send on the channel too, and anything. */
export function isChildMessage(raw: unknown): raw is ChildMessage {
  if (typeof raw !== 'object' || raw === null) return false;
  const said = raw as Readonly<Record<string, unknown>>;
  const { type } = said;
  if (typeof type !== 'string' || !Object.hasOwn(FIELDS, type)) return false;
  return Object.entries(FIELDS[type as ChildMessage['type']]).every(([name, test]) => test(said[name]));
}
