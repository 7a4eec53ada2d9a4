import assert from 'node:assert/strict';
import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The object files below a remote or a cache, sorted. */
export function objectsOf(folder: string): readonly string[] {
  return filesBelow(join(folder, 'files'));
}

/** All files below a folder, sorted. */
export function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}

/** The object that holds exactly this text. */
export function objectWith(folder: string, text: string): string {
  const found = objectsOf(folder).find((file) => readFileSync(file, 'utf8') === text);
  assert.ok(found, `no object holds "${text}"`);
  return found;
}

/** Puts other bytes under the name of an object. */
export function damage(object: string, bytes: string): void {
  rmSync(object);
  writeFileSync(object, bytes, { mode: 0o444 });
}
