import type { Problem } from '../base/error.ts';
import { PipelineError } from '../base/error.ts';
import { algorithmOf } from '../base/hash.ts';
import type { Remote } from '../base/remote.ts';
import { shellPath } from '../base/text.ts';
import type { Artifact, HashAlgorithm } from '../base/types.ts';
import { canMake } from '../execute/checkout.ts';
import type { Project } from '../project.ts';

/** An artifact that could not be sent whole, as a problem for people in `folder`. */
export function lackingHere({ path }: Pick<Artifact, 'path'>, folder: string): Problem {
  return {
    code: 'push.missing',
    message: `"${path}" is in pipeline.lock, but neither this machine's cache nor the remote has all of it`,
    hint: `"lockstep verify ${shellPath(path, folder)}" says how to have it here again, then push; or push it from a machine that has it`,
  };
}

/** Tells of artifacts that a remote does not have whole. */
export async function tellLackingThere(
  { emit, signal, graph }: Pick<Project, 'emit' | 'signal' | 'graph'>,
  remote: Remote,
  artifacts: readonly Pick<Artifact, 'path' | 'hash'>[],
): Promise<void> {
  const held = new Map<HashAlgorithm, boolean>();
  const holdsAny = async (algorithm: HashAlgorithm): Promise<boolean> => {
    const answer = held.get(algorithm) ?? (await holds(remote, algorithm, signal));
    held.set(algorithm, answer);
    return answer;
  };
  for (const { path, hash } of artifacts) {
    const own = algorithmOf(hash);
    const other = own === 'md5' ? 'sha256' : 'md5';
    const holdsOnlyOther = !(await holdsAny(own)) && (await holdsAny(other));
    emit({
      type: 'warned',
      problem: {
        code: 'fetch.missing',
        message: `"${path}" is in pipeline.lock, but the remote does not have all of it`,
        hint: holdsOnlyOther
          ? `the remote has objects by ${other}, and pipeline.lock names this one by ${own}: run "lockstep repro" with "hash: ${own}" and then "lockstep push" where the files are`
          : `push it from a machine that has it, or ${canMake(graph, path) ? 'make it here with "lockstep repro"' : 'bring it back from a backup'}`,
      },
    });
  }
}

/** Whether a remote is known to have objects by an algorithm: one page of a listing. */
async function holds(remote: Remote, algorithm: HashAlgorithm, signal: AbortSignal): Promise<boolean> {
  if (remote.limits.listless) return false;
  try {
    for await (const _ of remote.list(`files/${algorithm}/`, signal)) return true;
    return false;
  } catch (error) {
    if (!(error instanceof PipelineError) || signal.aborted) throw error;
    return false;
  }
}
