import { EXIT, PipelineError } from '../base/error.ts';
import type { PipelineErrorOptions } from '../base/error.ts';
import type { Stage } from '../base/types.ts';

/** The failure of one stage; told at its place, where `more` names no part of it. */
export function stageError(
  { at }: Pick<Stage, 'at'>,
  code: string,
  message: string,
  more: Omit<PipelineErrorOptions, 'exit'> = {},
): PipelineError {
  return new PipelineError(code, message, { exit: EXIT.failed, at, ...more });
}
