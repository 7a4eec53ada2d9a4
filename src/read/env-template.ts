import type { Problem } from '../base/error.ts';
import type { Location } from '../base/types.ts';
import type { Entry, ScalarTree, Tree } from './tree.ts';
import type { Report } from './report.ts';

/** The value of an environment variable; `undefined` when it is not set. */
export type EnvLookup = (name: string) => string | undefined;

/** One remote with the environment put in. */
export interface Resolved {
  readonly tree: Tree;
  /** Every value taken from the environment, the empty ones and names of places left out. */
  readonly secrets: readonly string[];
  /** The first variable that is not set, or that is empty and all there is of a value: so CI gives a secret that it lacks. */
  readonly problem?: Problem;
}

/** Options that not every account has: where their variable is empty, they are as if absent. */
const OPTIONAL: readonly string[] = ['session_token', 'token'];

/**
 * Replaces `${env:NAME}` in the texts of one remote. Anything else between the braces is `remotes.template` in the
 * report, since parameters have no say in where bytes are kept.
 */
export function resolveEnv(tree: Tree, remote: string, env: EnvLookup, report: Report): Resolved {
  const secrets = new Set<string>();
  let problem: Problem | undefined;

  function resolve(part: Tree, mayBeEmpty = false): Tree {
    if (part.kind === 'scalar') return resolveScalar(part, mayBeEmpty);
    if (part.kind === 'list') return { ...part, items: part.items.map((item) => resolve(item)) };
    const entries = [...part.entries.values()].flatMap((entry): readonly (readonly [string, Entry])[] => {
      const value = resolve(entry.value, OPTIONAL.includes(entry.key));
      const isAbsent = value !== entry.value && value.kind === 'scalar' && value.value === '';
      return isAbsent && OPTIONAL.includes(entry.key) ? [] : [[entry.key, { ...entry, value }]];
    });
    return { ...part, entries: new Map(entries) };
  }

  function resolveScalar(part: ScalarTree, mayBeEmpty: boolean): ScalarTree {
    if (typeof part.value !== 'string' || !part.value.includes('${')) return part;
    let empty: Problem | undefined;
    const value = part.value.replaceAll(
      /\\\$\{|\$\{([^}]*)\}?/g,
      (source, inner: string | undefined, offset: number, text: string) => {
        if (inner === undefined) return '${';
        const at = part.partAt?.(source, offset) ?? part.at;
        if (!source.endsWith('}')) {
          report.add('remotes.template', '"${" has no closing "}"', {
            at,
            hint: 'only ${env:NAME} is possible',
          });
          return '';
        }
        const name = /^\s*env:\s*([A-Za-z_][A-Za-z0-9_]*)\s*$/.exec(inner)?.[1];
        if (name === undefined) {
          report.add('remotes.template', `"${source}" is not possible in remotes.yaml`, {
            at,
            hint: 'only ${env:NAME} is',
          });
          return '';
        }
        const found = env(name);
        if (found === undefined) problem ??= lacking(name, 'not set', at);
        else if (found === '') empty ??= lacking(name, 'empty', at);
        else if (!isPlaceName(text, offset)) secrets.add(found);
        return found ?? '';
      },
    );
    if (value === '' && !mayBeEmpty) problem ??= empty;
    return { kind: 'scalar', value, at: part.at };
  }

  const lacking = (name: string, what: string, at: Location): Problem => ({
    code: 'remotes.env',
    message: `the remote "${remote}" needs the environment variable ${name}, which is ${what}`,
    hint: `set ${name} and try again`,
    at: [at],
  });

  const resolved = resolve(tree);
  return { tree: resolved, secrets: [...secrets], ...(problem !== undefined && { problem }) };
}

/** True where a url names its bucket, container or folder: nobody gets in by it, and errors have to name it. */
function isPlaceName(text: string, offset: number): boolean {
  return /^(gs|gdrive|s3|azure):\/\/[^/]*$/i.test(text.slice(0, offset)) && !text.includes('@');
}
