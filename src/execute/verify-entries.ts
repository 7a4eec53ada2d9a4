import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Problem } from '../base/error.ts';
import { readFolder, readIfExists } from '../io/files.ts';
import { isEntryPath, isLaterEntry, parseEntryAt } from '../record/runs.ts';

/** Checks that run-cache entries are what their names say; bad ones are taken out and told. Returns how many there are. */
export function checkEntries(dir: string, problems: Problem[]): number {
  let count = 0;
  for (const folder of readFolder(join(dir, 'runs'))) {
    for (const file of readFolder(join(dir, 'runs', folder.name))) {
      const path = `runs/${folder.name}/${file.name}`;
      if (!isEntryPath(path)) continue;
      const bytes = readIfExists(join(dir, path));
      if (!bytes || isLaterEntry(bytes)) continue;
      count++;
      if (parseEntryAt(path, bytes)) continue;
      rmSync(join(dir, path), { force: true });
      problems.push({
        code: 'object.corrupt',
        message: `the past result ${path} is not what its name says and was taken out of the run cache`,
        hint: 'nothing is lost that pipeline.lock names; the stage runs again if that result is ever asked for',
      });
    }
  }
  return count;
}
