import { sha256Hex } from '../base/hash.ts';
import { readSealed, writeSealed } from '../io/sealed.ts';

/** Text files and what was made of them, so that unchanged files are not parsed again. */
export interface Snapshot {
  /** What was made of these very files by this engine; `undefined` when anything differs. */
  get(name: string): unknown;
  /** `files`: every file that was asked for, missing ones included. */
  set(name: string, files: readonly string[], value: unknown): void;
  /** The same for one file whose new text is known. */
  setText(name: string, file: string, text: string, value: unknown): void;
  save(): void;
}

interface Part {
  /** Path → SHA-256 of its bytes; `null` for a file that was not there. */
  readonly files: Readonly<Record<string, string | null>>;
  readonly value: unknown;
}

/** `engine` changes with every release: what one engine makes of a file, another may not. */
export function createSnapshot(
  path: string,
  engine: string,
  load: (file: string) => Uint8Array | undefined,
): Snapshot {
  const parts = new Map<string, Part>(Object.entries(read(path, engine)));
  const hashes = new Map<string, string | null>();
  let dirty = false;

  function hashOf(file: string): string | null {
    let hash = hashes.get(file);
    if (hash === undefined) {
      const bytes = load(file);
      hashes.set(file, (hash = bytes === undefined ? null : sha256Hex(bytes)));
    }
    return hash;
  }

  return {
    get(name) {
      const part = parts.get(name);
      if (!part) return undefined;
      return Object.entries(part.files).every(([file, hash]) => hashOf(file) === hash)
        ? part.value
        : undefined;
    },
    set(name, files, value) {
      parts.set(name, { files: Object.fromEntries(files.map((file) => [file, hashOf(file)])), value });
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
  const data = readSealed(path);
  if (!data) return {};
  // No integer in it is beyond a double: see `toText`.
  const kept = JSON.parse(data.toString('utf8')) as { engine: string; parts: Record<string, Part> };
  return kept.engine === engine ? kept.parts : {};
}

/** Integers beyond a double have no place in plain JSON: such a project is parsed each time. */
function toText(value: unknown): string | undefined {
  try {
    return JSON.stringify(value);
  } catch (error) {
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}
