import { PipelineError } from '../../base/error.ts';
import type { Remote } from '../../base/remote.ts';
import type { RelPath } from '../../base/types.ts';
import { createClock } from '../../io/clock.ts';
import type { Clock } from '../../io/clock.ts';
import type { Remotes } from '../../read/remotes.ts';
import type { CommandContext } from '../command.ts';
import { loadRemotes, withRemote } from '../remotes.ts';
import type { Check } from './check.ts';
import { failedCheck } from './check.ts';

const LIMIT_MS = 10_000;
/** No object has this name: the digest of nothing at all begins otherwise. */
const NO_OBJECT = `files/sha256/00/${'0'.repeat(62)}`;

/** The remotes as remotes.yaml has them; with `open`, whether each answers. */
export async function* checkRemotes(
  context: CommandContext,
  {
    root,
    taken,
    open,
  }: { readonly root: string; readonly taken: readonly RelPath[]; readonly open: boolean },
): AsyncGenerator<Check> {
  let remotes: Remotes;
  try {
    remotes = await loadRemotes(context, root);
  } catch (error) {
    yield failedCheck('remotes', error, '"lockstep remote list" shows each problem with its place');
    return;
  }
  const clock = createClock();
  const all = Object.values(remotes.remotes);
  if (all.length === 0) {
    yield { check: 'remotes', status: 'ok', message: 'no remotes: what is here is on this machine only' };
    return;
  }
  for (const { name, shown, problem } of all) {
    const title = `${name} (${shown}${name === remotes.default ? ', default' : ''})`;
    if (problem) yield failedCheck('remote', PipelineError.of([problem]));
    else if (!open)
      yield {
        check: 'remote',
        status: 'ok',
        message: `${title} is configured; "lockstep doctor --remotes" asks whether it answers`,
      };
    else
      yield await askRemote(title, {
        clock,
        signal: context.signal,
        ask: (signal) =>
          withRemote({ ...context, signal }, { root, remotes, name, taken, clock }, (remote) =>
            peek(remote, signal),
          ),
      });
  }
}

export interface AskOptions {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly ask: (signal: AbortSignal) => Promise<void>;
}

/** Whether a remote answers within 10 s; one that never does is left behind. */
export async function askRemote(title: string, { clock, signal, ask }: AskOptions): Promise<Check> {
  // Ends the wait when the remote has answered, and the asking when it has not.
  const over = new AbortController();
  const both = AbortSignal.any([signal, over.signal]);
  try {
    const startedMs = clock.now();
    const isLate = await Promise.race([
      ask(both).then(() => false),
      clock.sleep(LIMIT_MS, both).then(() => true),
    ]);
    if (isLate)
      return {
        check: 'remote',
        status: 'fail',
        message: `${title} did not answer within ${LIMIT_MS / 1000} s`,
        cure: 'check the network, the address and any proxy between you and it',
      };
    return { check: 'remote', status: 'ok', message: `${title} answered in ${clock.now() - startedMs}ms` };
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof PipelineError)) throw error;
    return failedCheck('remote', error);
  } finally {
    over.abort();
  }
}

async function peek(remote: Remote, signal: AbortSignal): Promise<void> {
  if (remote.limits.listless === true) {
    await remote.head(NO_OBJECT, signal);
    return;
  }
  for await (const _ of remote.list('files/', signal)) return;
}
