import { realpathSync } from 'node:fs';
import { relative, resolve, sep } from 'node:path';
import type { PipelineError } from '../base/error.ts';
import type { AttemptInputs } from './attempt-inputs.ts';
import { stageError } from './stage-error.ts';

/** The first refusal that matters, as the line that is missing in pipeline.yaml. */
export function denialOf(
  inputs: AttemptInputs,
  denied: readonly { permission: string; resource: string }[],
): PipelineError | undefined {
  for (const { permission, resource } of denied) {
    const below = belowRoot(inputs.root, resource);
    if (below === undefined || isAmongOthers(below)) continue;
    const writes = permission === 'FileSystemWrite';
    const path = inputs.redactor.text(below.join('/'));
    const what = path === '' ? 'the folder of the project' : `"${path}"`;
    const { stage } = inputs;
    const message = `stage "${stage.name}" ${writes ? 'writes' : 'reads'} ${what}, which it does not declare`;
    return stageError(stage, 'stage.undeclared', message, { hint: hintFor(path, stage.name, writes) });
  }
  return undefined;
}

function hintFor(path: string, name: string, writes: boolean): string {
  if (path !== '')
    return writes
      ? `add "${path}" to the outs: of "${name}" and write to the path that the stage is given`
      : `add "${path}" to the deps: of "${name}"`;
  return writes
    ? 'write to the paths that the stage is given'
    : `add what it looks for to the deps: of "${name}" and read the paths that the stage is given`;
}

/** Packages, and Node for its cache of code, try what need not be there: it is not the stage that asks. */
function isAmongOthers(below: readonly string[]): boolean {
  return below[0] === '.lockstep' || below.includes('node_modules');
}

/**
 * The names from the root on, none for the root itself. Modules run in the root, and Node may name a file by its real
 * path. `undefined` for what lies outside: libraries ask for files of the machine and go on without them.
 */
function belowRoot(root: string, resource: string): readonly string[] | undefined {
  // Some refusals name no path.
  if (resource === '') return undefined;
  const full = resolve(root, resource);
  for (const base of [root, realpathSync(root)]) {
    const [first = '', ...rest] = relative(base, full).split(sep);
    if (first !== '..') return first === '' ? [] : [first, ...rest];
  }
  return undefined;
}
