import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { PipelineError } from '../base/error.ts';
import type { Stage } from '../base/types.ts';
import { stageError } from './stage-error.ts';

/** What Node says, in one way or another, of an ES module that it was told to take for CommonJS. */
const TAKEN_FOR_COMMONJS =
  /^(Cannot require\(\) ES Module|Cannot use import statement outside a module|Unexpected token 'export'|The requested module .* does not provide an export named)/;

/**
 * The error for a stage that failed because package.json takes its ES modules for CommonJS: names the first such file;
 * `undefined` when that is not why. `code`: absolute paths of the stage's modules, its own first.
 */
export function commonJsFailed(
  stage: Stage,
  message: string,
  { root, code }: { readonly root: string; readonly code: readonly string[] },
): PipelineError | undefined {
  if (!TAKEN_FOR_COMMONJS.test(message)) return undefined;
  for (const file of code) {
    if (!/\.[jt]s$/.test(file) || !isEsModule(file)) continue;
    const manifest = manifestOf(file);
    if (manifest === undefined || !saysCommonJs(manifest)) continue;
    const [path, above] = [relative(root, file), relative(root, manifest)];
    return stageError(
      stage,
      'stage.failed',
      `stage "${stage.name}" failed: "${path}" is an ES module, but ${above} says "type": "commonjs"`,
      {
        hint: `rename it to "${path.replace(/([jt]s)$/, 'm$1')}", or write "type": "module" into ${above}`,
      },
    );
  }
  return undefined;
}

function isEsModule(file: string): boolean {
  return existsSync(file) && /^\s*(import|export)\b(?!\s*\()/m.test(readFileSync(file, 'utf8'));
}

/** The package.json that Node asks for a file's type. */
function manifestOf(file: string): string | undefined {
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    const path = join(folder, 'package.json');
    if (existsSync(path)) return path;
    if (folder === dirname(folder)) return undefined;
  }
}

function saysCommonJs(manifest: string): boolean {
  try {
    return (JSON.parse(readFileSync(manifest, 'utf8')) as { readonly type?: unknown }).type === 'commonjs';
  } catch (error) {
    if (error instanceof SyntaxError) return false;
    throw error;
  }
}
