import { EXIT, PipelineError } from '../base/error.ts';
import type { ExitCode } from '../base/error.ts';
import { createRedactor } from '../base/redact.ts';
import { formatDuration, plural, visible } from '../base/text.ts';
import { checkRemote } from '../transfer/check-remote.ts';
import type { StepResult } from '../transfer/check-remote.ts';
import { createClock } from '../io/clock.ts';
import { findRoot } from '../ground.ts';
import { printJson } from './command.ts';
import type { CommandContext } from './command.ts';
import { chooseRemote, findConfig, loadRemotes, withRemote } from './remotes.ts';

const LIMIT_MS = 10_000;
/** What may pass is asked again soon: someone is waiting for the answer. */
const LONGEST_WAIT_MS = 200;

/**
 * `remote check [NAME]`: tries a remote, the default one unless it is named, and says of each step whether it went well
 * and what mends it; within 10 s. Exit 1 when one failed. Secrets are masked in all that is said.
 */
export async function checkNamed(context: CommandContext, words: readonly string[]): Promise<ExitCode> {
  const [word, ...rest] = words;
  if (rest.length > 0)
    throw new PipelineError('cli.arguments', '"lockstep remote check" takes one name', {
      hint: 'see "lockstep remote --help"',
    });
  const root = findRoot(context.dir);
  const remotes = await loadRemotes(context, root);
  const name = chooseRemote(remotes, word);
  const config = findConfig(remotes, name);
  const redactor = createRedactor(config.secrets);
  // Not the one that LOCKSTEP_NOW sets: how long things take, and what time it is, is the question.
  const machine = createClock();
  const hasty = {
    ...machine,
    sleep: (ms: number, signal?: AbortSignal) => machine.sleep(Math.min(ms, LONGEST_WAIT_MS), signal),
  };
  const counts = { ok: 0, warn: 0, fail: 0 };
  const startedMs = machine.now();
  const tell = (result: StepResult): void => {
    counts[result.status]++;
    const masked = { ...result, message: redactor.text(result.message) };
    if (context.json) printJson(context, { type: 'step', remote: name, ...masked });
    else context.print(formatStep(masked));
  };
  if (!context.json) context.print(`${name}  ${visible(config.shown)}\n`);
  const { readTaken } = await import('./taken.ts');
  const choice = { root, remotes, name, taken: readTaken(root), clock: hasty };
  const isGood = await checkRemote({
    config,
    open: (act, signal) => withRemote({ ...context, signal }, choice, act),
    tell,
    clock: machine,
    limitMs: LIMIT_MS,
    signal: context.signal,
  });
  const durationMs = machine.now() - startedMs;
  if (context.json) printJson(context, { type: 'remote-checked', remote: name, ...counts, durationMs });
  else context.print(formatEnd(name, counts, durationMs));
  return isGood ? EXIT.ok : EXIT.failed;
}

/** `fail  put     remote "x": …  (120ms)`, and below it what mends it. */
function formatStep({ step, status, message, cure, durationMs }: StepResult): string {
  const below = cure === undefined ? '' : `      = cure: ${cure}\n`;
  return `${status.padEnd(4)}  ${step.padEnd(6)}  ${message}  (${formatDuration(durationMs)})\n${below}`;
}

function formatEnd(
  name: string,
  { ok, warn, fail }: Record<StepResult['status'], number>,
  durationMs: number,
): string {
  const took = formatDuration(durationMs);
  const more = warn === 0 ? '' : `, ${warn} with a warning,`;
  if (fail === 0) return `\n${name} can be used: ${plural(ok, 'step')} went well${more} in ${took}.\n`;
  return `\n${name}: ${plural(fail, 'step')} failed, ${ok} went well, in ${took}.\n`;
}
