import { symlinkSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { buildPackage } from '../../scripts/pack-package.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');

/**
 * Builds the package as npm would install it (JavaScript, no sources) and returns its folder. The command is measured
 * from there, because a clone runs TypeScript and starts slower. The packages that it does not bundle are the clone's.
 */
export async function stagePackage(folder: string): Promise<string> {
  const installed = await buildPackage(ROOT, folder);
  symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  return installed;
}
