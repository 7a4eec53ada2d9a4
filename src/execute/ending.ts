import { EXIT, PipelineError } from '../base/error.ts';
import { formatBytes, formatDuration } from '../base/text.ts';
import type { Stage } from '../base/types.ts';
import type { Ending } from '../io/process-group.ts';
import { stageError } from './stage-error.ts';

/** What is known of an ending besides the process's own word. */
export interface Circumstances {
  readonly stopped: 'timeout' | 'canceled' | undefined;
  readonly heapExhausted: boolean;
  /** It tried to open its output by name: Node gives it sockets, and those have none. */
  readonly opensOutput: boolean;
  /** It printed nothing. */
  readonly wasSilent: boolean;
  readonly explain: (() => PipelineError | undefined) | undefined;
}

/** The error of an ending, from the most to the least telling cause; `undefined` for success. */
export function endingError(
  stage: Stage,
  ending: Ending,
  { stopped, heapExhausted, opensOutput, wasSilent, explain }: Circumstances,
): PipelineError | undefined {
  const peak =
    ending.peakMemory === undefined ? '' : `; its memory peaked at ${formatBytes(ending.peakMemory)}`;
  const name = `stage "${stage.name}"`;
  if (stopped === 'canceled')
    return new PipelineError('stage.canceled', `${name} was canceled`, {
      at: stage.at,
      exit: EXIT.interrupted,
    });
  if (stopped === 'timeout') {
    const limit = formatDuration(stage.policy.timeoutMs ?? 0);
    return stageError(stage, 'stage.timeout', `${name} did not end within ${limit}`, {
      hint: 'raise its timeout:, or find out what it waits for in its output',
      retryable: true,
    });
  }
  if (ending.startError) {
    const hint = unstartedHint(stage, ending.startError);
    const message = `${name} could not be started (${ending.startError})`;
    return stageError(stage, 'stage.not-started', message, { hint });
  }
  if (heapExhausted && ending.exitCode !== 0) {
    return stageError(stage, 'stage.out-of-memory', `${name} ran out of JavaScript heap${peak}`, {
      hint: 'work on less at a time, or raise the limit with NODE_OPTIONS=--max-old-space-size in a cmd: stage',
      retryable: true,
    });
  }
  const explained = explain?.();
  if (explained) return explained;
  if (ending.signal !== undefined) {
    const hint =
      ending.signal === 'SIGKILL'
        ? 'the system kills processes that use too much memory: see "dmesg"'
        : undefined;
    const message = `${name} was killed by ${ending.signal}${peak}`;
    return stageError(stage, 'stage.killed', message, { hint, retryable: true });
  }
  if (ending.exitCode !== 0) {
    return stageError(stage, 'stage.failed', `${name} exited with code ${ending.exitCode}`, {
      hint: opensOutput ? OPENS_OUTPUT : wasSilent ? silentHint(stage) : 'its output above says why',
      retryable: true,
    });
  }
  return undefined;
}

const OPENS_OUTPUT =
  'its output is a socket, which cannot be opened: instead of "/dev/stderr" write ">&2", and of "tee /dev/stderr" "tee FILE" and "cat FILE >&2"';

function unstartedHint({ action }: Stage, code: string): string | undefined {
  if (code === 'E2BIG' && action.kind === 'shell')
    return 'its cmd: is longer than the system takes (128 KiB on Linux): put it into a script, or its values into a file that it reads, and add that to deps:';
  if (code === 'EAGAIN')
    return 'you may have no more processes: end some, or raise the limit ("ulimit -u" shows it, of a container its pids limit)';
  return code === 'EMFILE' ? 'raise the limit of open files with "ulimit -n 4096"' : undefined;
}

function silentHint({ action }: Stage): string | undefined {
  return action.kind === 'shell'
    ? 'it printed nothing: "set -x" as the first line of its cmd: shows each step'
    : undefined;
}
