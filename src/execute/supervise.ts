import type { PipelineError } from '../base/error.ts';
import { spawnGroup } from '../io/process.ts';
import type { Ending, Group } from '../io/process.ts';
import { redactorOf } from './attempt-inputs.ts';
import type { AttemptInputs } from './attempt-inputs.ts';
import { endingError } from './ending.ts';

/** How long a stage may take to end after SIGTERM. */
const GRACE_MS = 5000;

/** A process to start. */
export interface Command {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What its starter wants to hear and say. */
export interface Supervision {
  readonly onMessage?: (message: unknown) => void;
  readonly onGroup?: (group: Group) => void;
  /** A more telling error than the process's ending. */
  readonly explain?: () => PipelineError | undefined;
}

/** Starts a process group, feeds its output to the listeners, ends it on timeout and abort. */
export async function supervise(
  inputs: AttemptInputs,
  command: Command,
  supervision: Supervision = {},
): Promise<Ending> {
  const { stage, emit, signal, clock } = inputs;
  signal.throwIfAborted();
  const redactor = redactorOf(inputs);
  const streams = { stdout: redactor.stream(), stderr: redactor.stream() };
  let heapExhausted = false;
  let lastErrors = '';
  const show = (stream: 'stdout' | 'stderr', chunk: string): void => {
    if (stream === 'stderr') {
      // V8's last words may come in pieces.
      lastErrors = (lastErrors + chunk).slice(-16_384);
      heapExhausted ||= lastErrors.includes('JavaScript heap out of memory');
    }
    if (chunk !== '') emit({ type: 'stage-output', stage: stage.name, stream, chunk });
  };
  const group = await spawnGroup({
    ...command,
    onOutput: (stream, chunk) => show(stream, streams[stream].push(chunk)),
    ...(supervision.onMessage && { onMessage: supervision.onMessage }),
  });
  supervision.onGroup?.(group);
  if (group.pid !== undefined) inputs.onStart(group.pid);
  const over = new AbortController();
  let stopped: 'timeout' | 'canceled' | undefined;
  const stop = (why: 'timeout' | 'canceled'): void => {
    stopped ??= why;
    void group.stop(GRACE_MS, clock);
  };
  const onAbort = (): void => stop('canceled');
  signal.addEventListener('abort', onAbort, { once: true });
  const { timeoutMs } = stage.policy;
  if (timeoutMs !== undefined) {
    void clock.sleep(timeoutMs, over.signal).then(
      () => stop('timeout'),
      () => undefined,
    );
  }
  const ending = await group.ended;
  over.abort();
  signal.removeEventListener('abort', onAbort);
  for (const stream of ['stdout', 'stderr'] as const) show(stream, streams[stream].end());
  const error = endingError(stage, ending, { stopped, heapExhausted, explain: supervision.explain });
  if (error) throw error;
  return ending;
}
