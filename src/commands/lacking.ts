import type { Problem } from '../base/error.ts';
import type { Artifact } from '../base/types.ts';

/** An artifact that could not be moved whole, as a problem for people. */
export function lackingError(artifact: Artifact, doing: 'push' | 'fetch'): Problem {
  return doing === 'push'
    ? {
        code: 'push.missing',
        message: `"${artifact.path}" is in pipeline.lock, but this machine's cache does not have all of it`,
        hint: 'run "lockstep repro" to make it, then push again',
      }
    : {
        code: 'fetch.missing',
        message: `"${artifact.path}" is in pipeline.lock, but the remote does not have all of it`,
        hint: 'push it from a machine that has it, or make it here with "lockstep repro"',
      };
}
