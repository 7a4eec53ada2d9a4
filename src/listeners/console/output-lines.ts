import { RESET, cleanText, hasColour } from './escapes.ts';

/** A line that does not end is shown in pieces of this many characters. */
const MAX_PARTIAL = 64 * 1024;

/** Makes lines of one stream's chunks. Both return finished lines, joined by line feeds; `undefined` for none. */
export interface OutputLines {
  push(chunk: string): string | undefined;
  /** The last line, when it has no end. */
  end(): string | undefined;
}

/**
 * Lines as a log shows them: what a carriage return would have overwritten is left out, and so is every control
 * sequence but, where wanted, colours, which end with their line.
 */
export function createOutputLines(keepColours: boolean): OutputLines {
  let partial = '';
  const finish = (raw: string): string => {
    const text = raw.includes('\r') ? raw.split('\n').map(lastOverwrite).join('\n') : raw;
    const clean = cleanText(text, keepColours);
    return hasColour(clean) ? clean.split('\n').map(closeColour).join('\n') : clean;
  };
  return {
    push(chunk) {
      const end = chunk.lastIndexOf('\n');
      if (end >= 0) {
        const lines = finish(partial + chunk.slice(0, end));
        partial = chunk.slice(end + 1);
        return lines;
      }
      partial += chunk;
      if (partial.length <= MAX_PARTIAL) return undefined;
      const lines = finish(partial);
      partial = '';
      return lines;
    },
    end() {
      const rest = finish(partial);
      partial = '';
      return rest === '' ? undefined : rest;
    },
  };
}

function lastOverwrite(line: string): string {
  const text = line.replace(/\r+$/, '');
  return text.slice(text.lastIndexOf('\r') + 1);
}

function closeColour(line: string): string {
  return hasColour(line) && !line.endsWith(RESET) ? line + RESET : line;
}
