import { join } from 'node:path';
import type { PipelineError } from '../base/error.ts';
import type { ShellAction, Stage } from '../base/types.ts';
import { limitTime } from '../io/clock.ts';
import { statIfExists } from '../io/files.ts';
import type { Attempt, AttemptInputs } from './attempt-inputs.ts';
import { runModule } from './module-process.ts';
import { shellEnv } from './stage-env.ts';
import { stageError } from './stage-error.ts';
import { supervise } from './supervise.ts';

/** Runs a stage's action once, in a process group of its own. Throws `stage.failed` and its kin; never leaves a process. */
export async function runAction(inputs: AttemptInputs): Promise<{ readonly peakMemory?: number }> {
  const { action, policy } = inputs.stage;
  using limit = policy.timeoutMs === undefined ? undefined : limitTime(inputs.clock, policy.timeoutMs);
  const attempt: Attempt = { ...inputs, timeUp: limit?.signal };
  return await (action.kind === 'module' ? runModule(attempt, action) : runShell(attempt, action));
}

async function runShell(attempt: Attempt, action: ShellAction): Promise<{ readonly peakMemory?: number }> {
  const cmds = typeof action.cmd === 'string' ? [action.cmd] : action.cmd;
  let peakMemory = 0;
  for (const cmd of cmds) {
    // A script of several lines stops at the first that fails, as a list of commands does.
    const args = cmd.trim().includes('\n') ? ['-e', '-c', cmd] : ['-c', cmd];
    const cwd = join(attempt.root, action.wdir);
    if (!statIfExists(cwd)?.isDirectory()) throw noWdir(attempt.stage, action.wdir);
    const ending = await supervise(attempt, { command: '/bin/sh', args, cwd, env: shellEnv(attempt) });
    peakMemory = Math.max(peakMemory, ending.peakMemory ?? 0);
  }
  return peakMemory > 0 ? { peakMemory } : {};
}

/** The system would say that the shell itself is not there. */
function noWdir(stage: Stage, wdir: string): PipelineError {
  const message = `stage "${stage.name}" is to run in "${wdir}", which is no folder`;
  return stageError(stage, 'stage.wdir', message, { hint: 'make the folder, or correct wdir:' });
}
