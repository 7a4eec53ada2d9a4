import { join } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import type { Stage } from '../base/types.ts';
import { statIfExists } from '../io/files.ts';
import type { AttemptInputs } from './attempt-inputs.ts';
import { runModule } from './module-process.ts';
import { shellEnv } from './stage-env.ts';
import { supervise } from './supervise.ts';

/** Runs a stage's action once, in a process group of its own. Throws `stage.failed` and its kin; never leaves a process. */
export async function runAction(inputs: AttemptInputs): Promise<{ readonly peakMemory?: number }> {
  const { stage } = inputs;
  if (stage.action.kind === 'module') return runModule(inputs);
  const cmds = typeof stage.action.cmd === 'string' ? [stage.action.cmd] : stage.action.cmd;
  let peakMemory = 0;
  for (const cmd of cmds) {
    // A script of several lines stops at the first that fails, as a list of commands does.
    const args = cmd.trim().includes('\n') ? ['-e', '-c', cmd] : ['-c', cmd];
    const cwd = join(inputs.root, stage.action.wdir);
    if (!statIfExists(cwd)?.isDirectory()) throw noWdir(stage, stage.action.wdir);
    const ending = await supervise(inputs, { command: '/bin/sh', args, cwd, env: shellEnv(inputs) });
    peakMemory = Math.max(peakMemory, ending.peakMemory ?? 0);
  }
  return peakMemory > 0 ? { peakMemory } : {};
}

/** The system would say that the shell itself is not there. */
function noWdir(stage: Stage, wdir: string): PipelineError {
  return new PipelineError('stage.wdir', `stage "${stage.name}" is to run in "${wdir}", which is no folder`, {
    at: stage.at,
    exit: EXIT.failed,
    hint: 'make the folder, or correct wdir:',
  });
}
