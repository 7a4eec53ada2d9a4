import type { PipelineError } from '../base/error.ts';
import { stopGroup } from '../io/process.ts';
import type { Ending, ToStart } from '../io/process-group.ts';
import type { Attempt } from './attempt-inputs.ts';
import { endingError } from './ending.ts';

/** How long a stage may take to end after SIGTERM. */
const GRACE_MS = 5000;

/** What its starter wants to hear and say. */
export interface Supervision {
  readonly onMessage?: (message: unknown) => void;
  /** A more telling error than the process's ending. */
  readonly explain?: () => PipelineError | undefined;
}

/** Starts a process group, feeds its output to the listeners, ends it when its time is up and on abort. */
export async function supervise(
  attempt: Attempt,
  command: ToStart,
  supervision: Supervision = {},
): Promise<Ending> {
  const { stage, emit, signal, timeUp, clock } = attempt;
  signal.throwIfAborted();
  const streams = { stdout: attempt.redactor.stream(), stderr: attempt.redactor.stream() };
  let heapExhausted = false;
  let opensOutput = false;
  let wasSilent = true;
  let lastErrors = '';
  const show = (stream: 'stdout' | 'stderr', chunk: string): undefined => {
    if (stream === 'stderr') {
      // V8's last words may come in pieces.
      lastErrors = (lastErrors + chunk).slice(-16_384);
      heapExhausted ||= lastErrors.includes('JavaScript heap out of memory');
      opensOutput ||= /\/dev\/(std(out|err)|fd\/[12])\b.*No such device/.test(lastErrors);
    }
    if (chunk === '') return;
    wasSilent = false;
    emit({ type: 'stage-output', stage: stage.name, stream, chunk });
  };
  const { onMessage } = supervision;
  let stopped: 'timeout' | 'canceled' | undefined;
  let fault: { readonly error: unknown } | undefined;
  const group = attempt.launcher.start(command, {
    onStarted(leader) {
      try {
        attempt.onStart(leader);
      } catch (error) {
        // A process that could not be recorded must not run on.
        fault = { error };
        group.signal('SIGKILL');
      }
    },
    onOutput: (stream, chunk) => show(stream, streams[stream].push(chunk)),
    onMessage: (message) => onMessage?.(message),
  });
  const stop = (why: 'timeout' | 'canceled'): void => {
    stopped ??= why;
    void stopGroup(group, GRACE_MS, clock);
  };
  const onAbort = (): void => stop('canceled');
  const onTimeUp = (): void => stop('timeout');
  signal.addEventListener('abort', onAbort, { once: true });
  timeUp?.addEventListener('abort', onTimeUp, { once: true });
  const ending = await group.ended;
  signal.removeEventListener('abort', onAbort);
  timeUp?.removeEventListener('abort', onTimeUp);
  for (const stream of ['stdout', 'stderr'] as const) show(stream, streams[stream].end());
  if (fault) throw fault.error;
  const error = endingError(stage, ending, {
    stopped,
    heapExhausted,
    opensOutput,
    wasSilent,
    explain: supervision.explain,
  });
  if (error) throw error;
  return ending;
}
