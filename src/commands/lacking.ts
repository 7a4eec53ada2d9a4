import type { Problem } from '../base/error.ts';
import type { Artifact } from '../base/types.ts';

/** An artifact that could not be moved whole, as a problem for people. */
export function lackingProblem(artifact: Pick<Artifact, 'path'>, doing: 'push' | 'fetch'): Problem {
  return doing === 'push'
    ? {
        code: 'push.missing',
        message: `"${artifact.path}" is in pipeline.lock, but neither this machine's cache nor the remote has all of it`,
        hint: 'make it again with "lockstep repro", then push; or push it from a machine that has it',
      }
    : {
        code: 'fetch.missing',
        message: `"${artifact.path}" is in pipeline.lock, but the remote does not have all of it`,
        hint: 'push it from a machine that has it, or make it here with "lockstep repro"',
      };
}
