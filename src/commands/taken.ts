import { join } from 'node:path';
import type { RelPath } from '../base/types.ts';
import { readIfExists } from '../io/files.ts';
import { readPipeline } from '../read/pipeline.ts';
import { outsAndData } from './routes.ts';

/** The outs and data of a project that is not open, as far as its pipeline can be read. */
export function readTaken(root: string): readonly RelPath[] {
  const { pipeline } = readPipeline({ load: (path) => readIfExists(join(root, path)) });
  return pipeline ? outsAndData({ pipeline }) : [];
}
