import { sha256Hex } from '../base/hash.ts';
import { readSealedJson, writeSealed } from '../io/sealed.ts';

/** Text files and what was made of them, so that unchanged files are not parsed again. */
export interface Snapshot {
  /** What was made of these very files by this engine; `undefined` when anything differs. */
  get(name: string): unknown;
  /** The files of what was given or set under this name: path → SHA-256 of its bytes, `null` for one that was not there. */
  filesOf(name: string): Readonly<Record<string, string | null>>;
  /** `files`: every file that was asked for, missing ones included. */
  set(name: string, files: readonly string[], value: unknown): void;
  /** The same for one file whose new text is known. */
  setText(name: string, file: string, text: string, value: unknown): void;
  save(): void;
}

/** The files that a snapshot was made of. */
export interface SnapshotFiles {
  /** `undefined` when there is no such file. */
  load(file: string): Uint8Array | undefined;
  /** SHA-256 of a file's bytes, by whatever is believed without reading them; `null` when there is no such file. */
  hashOf(file: string): string | null;
}

interface Part {
  /** Path → SHA-256 of its bytes; `null` for a file that was not there. */
  readonly files: Readonly<Record<string, string | null>>;
  readonly value: unknown;
}

/** Files that are read to be hashed. */
export function readFiles(load: SnapshotFiles['load']): SnapshotFiles {
  return {
    load,
    hashOf(file) {
      const bytes = load(file);
      return bytes === undefined ? null : sha256Hex(bytes);
    },
  };
}

/** What one engine makes of a file, another may not. */
export function createSnapshot(path: string, engine: string, files: SnapshotFiles): Snapshot {
  const parts = new Map<string, Part>(Object.entries(read(path, engine)));
  // What a value was made of is what was loaded, whatever the file has become.
  const loaded = readFiles((file) => files.load(file));
  let dirty = false;

  return {
    get(name) {
      const part = parts.get(name);
      if (!part) return undefined;
      return Object.entries(part.files).every(([file, hash]) => files.hashOf(file) === hash)
        ? part.value
        : undefined;
    },
    filesOf: (name) => parts.get(name)?.files ?? {},
    set(name, asked, value) {
      parts.set(name, { files: Object.fromEntries(asked.map((file) => [file, loaded.hashOf(file)])), value });
      dirty = true;
    },
    setText(name, file, text, value) {
      parts.set(name, { files: { [file]: sha256Hex(text) }, value });
      dirty = true;
    },
    save() {
      if (!dirty) return;
      const text = toText({ engine, parts: Object.fromEntries(parts) });
      if (text !== undefined) writeSealed(path, Buffer.from(text));
      dirty = false;
    },
  };
}

function read(path: string, engine: string): Record<string, Part> {
  // No integer in it is beyond a double: see `toText`.
  const kept = readSealedJson(path) as { engine: string; parts: Record<string, Part> } | null | undefined;
  return kept?.engine === engine ? kept.parts : {};
}

/**
 * Integers beyond a double have no place in plain JSON, and what fills more than half a gigabyte in no text: such a project is
 * parsed each time.
 */
function toText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError) return undefined;
    throw error;
  }
}
