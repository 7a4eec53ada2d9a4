import { statSync } from 'node:fs';
import { PipelineError, isSystemError } from '../base/error.ts';
import type { RemoteConfig } from '../base/remote.ts';
import { remoteFault } from './faults.ts';

/**
 * A file system's error as the remote's own; anything that is no system error comes back as it is. `file`: what it is about
 * where the error itself does not say.
 */
export function folderFault(config: RemoteConfig, error: unknown, file: string = config.url): unknown {
  if (error instanceof PipelineError || !isSystemError(error)) return error;
  const where = error.path ?? file;
  switch (error.code) {
    case 'ENOENT':
    case 'ENOTDIR':
      return noFolder(config, error);
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return remoteFault(config, 'denied', {
        what:
          error.code === 'EROFS'
            ? `"${where}" is on a file system mounted read-only`
            : `this user may not touch "${where}"`,
        hint: `give this user read and write rights on "${config.url}"`,
        cause: error,
      });
    case 'ENOSPC':
    case 'EDQUOT':
      return remoteFault(config, 'full', {
        what:
          error.code === 'EDQUOT'
            ? `this user's quota at "${config.url}" is used up`
            : `no space is left at "${config.url}"`,
        cause: error,
      });
    case 'ENAMETOOLONG':
    case 'EFBIG':
    case 'EINVAL':
    case 'EILSEQ':
      return remoteFault(config, 'denied', {
        what: `the file system of "${config.url}" refuses "${where}" (${error.code})`,
        hint: 'use a folder on a file system without that limit',
        cause: error,
      });
    case 'EMFILE':
    case 'ENFILE':
      return remoteFault(config, 'unreachable', {
        what: 'too many files are open',
        hint: 'raise the limit of open files ("ulimit -n"), or lower "jobs"',
        retryable: true,
        cause: error,
      });
    default:
      // EIO, ESTALE, ENOTCONN, EHOSTDOWN, ETIMEDOUT …: a disk or share that fails, sometimes for a moment only.
      return remoteFault(config, 'unreachable', {
        what: `"${where}" fails with ${error.code ?? 'an unknown error'}`,
        hint: 'check the disk or the share it is mounted from, then run the command again',
        retryable: true,
        cause: error,
      });
  }
}

/** The error for a folder that is not there, and that no push may make: most often it is a share that is not mounted. */
export function noFolder(config: RemoteConfig, cause?: unknown): Error {
  const { url } = config;
  if (isFile(url))
    return remoteFault(config, 'unreachable', {
      what: `"${url}" is a file`,
      hint: 'correct the url in remotes.yaml: it names a folder',
      cause,
    });
  return remoteFault(config, 'unreachable', {
    what: `there is no folder "${url}"`,
    hint: 'mount the share it belongs to, make the folder above it, or correct the url in remotes.yaml',
    cause,
  });
}

/** False too for what cannot be looked at. */
function isFile(path: string): boolean {
  try {
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** The same error, not to be tried again: the system may have dropped bytes that it could not flush, and then calls them flushed. */
export function finalFault(error: unknown): unknown {
  if (!(error instanceof PipelineError) || !error.retryable) return error;
  const { code, message, exit, problems } = error;
  return new PipelineError(code, message, { exit, hint: problems[0].hint, cause: error });
}
