import { realpathSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import type { AttemptInputs } from './attempt-inputs.ts';

/** The first refusal that matters, as the line that is missing in pipeline.yaml. */
export function denialOf(
  inputs: AttemptInputs,
  denied: readonly { permission: string; resource: string }[],
): PipelineError | undefined {
  for (const { permission, resource } of denied) {
    const below = belowRoot(inputs.root, resource);
    if (
      below === undefined ||
      below.startsWith(`.lockstep${sep}`) ||
      below.split(sep).includes('node_modules') ||
      below.endsWith('package.json')
    )
      continue;
    const path = below.split(sep).join('/');
    const writes = permission === 'FileSystemWrite';
    const verb = writes ? 'writes' : 'reads';
    const name = inputs.stage.name;
    return new PipelineError(
      'stage.undeclared',
      `stage "${name}" ${verb} "${path}", which it does not declare`,
      {
        at: inputs.stage.at,
        exit: EXIT.failed,
        hint: writes
          ? `add "${path}" to the outs: of "${name}" and write to the path that the stage is given`
          : `add "${path}" to the deps: of "${name}"`,
      },
    );
  }
  return undefined;
}

/** Modules run in the root, and Node may name a file by its real path. `undefined` for what lies outside. */
function belowRoot(root: string, resource: string): string | undefined {
  const full = resolve(root, resource);
  for (const base of [root, realpathSync(root)]) {
    const below = relative(base, full);
    if (below !== '' && below !== '..' && !below.startsWith(`..${sep}`)) return below;
  }
  return undefined;
}
