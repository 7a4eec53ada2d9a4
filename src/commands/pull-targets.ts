import type { Artifact, RelPath } from '../base/types.ts';
import { isInside, pathOfWord, wordOfPath } from '../base/path.ts';
import { lockedArtifacts } from '../execute/checkout.ts';
import { partOf } from '../execute/incomplete.ts';
import { findTarget, stagesCalled } from '../plan/select.ts';
import type { Project } from '../project.ts';
import type { CommandContext } from './command.ts';
import { outsAndData, pathsOf } from './routes.ts';

/** Which files of a directory a word of the command line means. */
export interface Pattern {
  readonly word: string;
  /** It means whole outs too, so it need not mean any of these files. */
  readonly optional: boolean;
  /** `path`: of a file, from the project's root. */
  readonly matches: (path: string) => boolean;
}

/** What a fetch or pull is about. */
export interface Targets {
  /** Outs and data to bring whole; `undefined`: all. */
  readonly whole: ReadonlySet<RelPath> | undefined;
  /** Directories of which only some files are wanted. */
  readonly parts: ReadonlyMap<RelPath, readonly Pattern[]>;
}

/**
 * What words and `--for` mean: stages, outs and data by name; files or folders inside an out or data; and globs over all
 * of these. `--for STAGE` means what that stage reads. Throws `stage.unknown` for what is none of these.
 */
export async function findTargets(context: CommandContext, project: Project): Promise<Targets> {
  const { folder, graph } = project;
  const stages = context.flags['for'];
  const readers = Array.isArray(stages) ? (stages as readonly string[]) : [];
  const parts = new Map<RelPath, Pattern[]>();
  if (context.args.length === 0 && readers.length === 0) return { whole: undefined, parts };
  const whole = new Set<RelPath>();
  const artifacts = lockedArtifacts(project.pipeline, project.recorder).map((item) => item.artifact);
  const trees = artifacts.filter(({ kind }) => kind === 'tree').map(({ path }) => path);
  const known = new Set<string>(outsAndData(project));
  const want = (tree: RelPath, pattern: Pattern): void => {
    const patterns = parts.get(tree);
    if (patterns) patterns.push(pattern);
    else parts.set(tree, [pattern]);
  };
  for (const { path, dep, inPart } of await findReads(readers, artifacts, project)) {
    if (inPart)
      want(path, {
        word: wordOfPath(dep, folder),
        optional: false,
        matches: (file) => isInside(file, dep),
      });
    else whole.add(path);
  }
  for (const word of context.args) {
    const path = pathOfWord(word, folder);
    const isWhole = known.has(path) || stagesCalled(graph, word).length > 0;
    const around = isWhole ? undefined : trees.find((tree) => isInside(path, tree));
    const glob = isWhole || !isGlob(word) ? undefined : await compileGlob(word, folder);
    if (around !== undefined) {
      // The brackets of a file's own name mean themselves.
      const matches: Pattern['matches'] = (file) => isInside(file, path) || glob?.matches(file) === true;
      want(around, { word, optional: false, matches });
    } else if (glob) {
      const hit = new Set<string>(known.values().filter((one) => glob.matches(one)));
      for (const one of hit) whole.add(one as RelPath);
      const holders = trees.filter((tree) => !hit.has(tree) && mayHold(tree, word, glob.base));
      if (hit.size + holders.length === 0) pathsOf([word], project);
      for (const tree of holders) want(tree, { word, optional: hit.size > 0, matches: glob.matches });
    } else for (const one of pathsOf([word], project) ?? []) whole.add(one);
  }
  for (const path of whole) parts.delete(path);
  return { whole, parts };
}

/** An out of another stage, or data, that a stage reads from. */
interface Read {
  readonly path: RelPath;
  /** What the stage says it reads. */
  readonly dep: RelPath;
  /** Some files of a directory are enough, and can be put there: what stands in their way gives way to the whole only. */
  readonly inPart: boolean;
}

async function findReads(
  words: readonly string[],
  artifacts: readonly Artifact[],
  project: Project,
): Promise<readonly Read[]> {
  const { root, facts } = project;
  const reads = words.flatMap((word) => readBy(word, project));
  const trees = new Map(artifacts.filter(({ kind }) => kind === 'tree').map((tree) => [tree.path, tree]));
  await project.look(reads.map(({ path }) => path));
  return reads.map(({ path, dep }) => {
    const isOpen =
      facts.observed(path).kind === 'missing' || partOf(root, facts, trees.get(path)) !== undefined;
    return { path, dep, inPart: trees.has(path) && !isInside(path, dep) && isOpen };
  });
}

function readBy(word: string, { graph, folder }: Project): readonly Pick<Read, 'path' | 'dep'>[] {
  return findTarget(graph, word, folder).flatMap((name) =>
    (graph.stages.get(name)?.deps ?? []).flatMap(({ path: dep }) => {
      const made = graph.makersOf(dep).map((maker) => maker.out.path);
      return [...made, ...graph.dataNear(dep)].map((path) => ({ path, dep }));
    }),
  );
}

/** True for a word that may mean many paths. */
export function isGlob(path: string): boolean {
  return /[*?[\]{}]/.test(path);
}

/** The folder that a glob is typed in is no glob itself, whatever its name holds. */
async function compileGlob(
  word: string,
  folder: string,
): Promise<{ readonly base: string; readonly matches: (path: string) => boolean }> {
  const { default: picomatch } = await import('picomatch');
  const glob = pathOfWord(word, folder.replace(/[\\*?[\]{}()!+@|$^]/g, '\\$&'));
  return { base: picomatch.scan(glob, { unescape: true }).base, matches: picomatch(glob, { dot: true }) };
}

/** Whether a directory may hold files of a glob that begins with the folder `base` (empty: anywhere). */
function mayHold(tree: string, word: string, base: string): boolean {
  if (!word.includes('/') && !word.includes('**')) return false;
  return base === '' || base === '.' || isInside(tree, base) || isInside(base, tree);
}
