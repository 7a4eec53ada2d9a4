import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/**
 * The licence texts of the packages among the given files (paths relative to the root, `node_modules/…`), sorted by
 * name, each with its version. Throws for a package that ships none: then it must not be bundled.
 */
export function collectLicenses(root: string, files: readonly string[]): string {
  const folders = new Set(
    files.flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []),
  );
  const texts = [...folders].sort().map((folder) => {
    const { name, version } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as {
      name: string;
      version: string;
    };
    const file = readdirSync(join(root, folder)).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined) throw new Error(`"${folder}" ships no licence text, so it cannot be bundled`);
    return `${name} ${version}\n\n${readFileSync(join(root, folder, file), 'utf8').trim()}\n`;
  });
  return `The command contains these packages.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`;
}
