import { PipelineError, isSystemError } from '../base/error.ts';

/**
 * Does what remains to be done after a failure that is about to be told. Should it fail too, that is not told: whoever
 * mends the first cause and tries again meets it.
 */
export async function afterFailure(work: () => Promise<unknown> | undefined): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof PipelineError) && !isSystemError(error)) throw error;
  }
}

/** Does something, and closes behind it whatever happens: the first failure is the one that is told. */
export async function closing<T>(
  act: () => Promise<T>,
  close: () => Promise<unknown> | undefined,
): Promise<T> {
  let result: T;
  try {
    result = await act();
  } catch (error) {
    await afterFailure(close);
    throw error;
  }
  await close();
  return result;
}
