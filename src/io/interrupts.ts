import { isatty } from 'node:tty';
import { EXIT, PipelineError } from '../base/error.ts';

export interface Interrupts {
  readonly signal: AbortSignal;
  stop(): void;
}

/** What takes no longer to end needs no word in between. */
const UNTOLD_MS = 300;

interface Told {
  /** The end has been asked for, and takes a moment: a stage has five seconds to end well. */
  readonly onWait: () => void;
  /** It was asked for again: the process is to end at once. */
  readonly onAgain: () => void;
}

/** The first Ctrl-C asks everything to end; the second ends at once, and the next command cleans up. */
export function listenForInterrupts({ onWait, onAgain }: Told): Interrupts {
  const controller = new AbortController();
  let waiting: NodeJS.Timeout | undefined;
  const onSignal = (): void => {
    if (controller.signal.aborted) return onAgain();
    controller.abort(interrupted());
    waiting = setTimeout(onWait, UNTOLD_MS).unref();
  };
  const names = ['SIGINT', 'SIGTERM', ...(hasTerminal() ? (['SIGHUP'] as const) : [])] as const;
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    stop() {
      clearTimeout(waiting);
      for (const name of names) process.off(name, onSignal);
    },
  };
}

/** Ctrl-Z: from then on the shell writes where the live area was, until we are continued. */
export function leaveTerminal(makeWay: () => void): void {
  const onStop = (): void => {
    makeWay();
    // By its own default, which stops nobody whom no shell could continue.
    process.off('SIGTSTP', onStop);
    process.kill(process.pid, 'SIGTSTP');
    process.on('SIGTSTP', onStop);
  };
  process.on('SIGTSTP', onStop);
}

export function interrupted(): PipelineError {
  return new PipelineError('run.interrupted', 'interrupted', { exit: EXIT.interrupted });
}

/**
 * A terminal that is closed ends what goes on in it. `nohup` lets go of the terminal and has SIGHUP ignored, which Node
 * undoes at its start: whoever has no terminal is not to hear of one, to the end of the process.
 */
function hasTerminal(): boolean {
  if ([0, 1, 2].some((stream) => isatty(stream))) return true;
  process.on('SIGHUP', () => undefined);
  return false;
}
