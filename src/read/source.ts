import { parseDocument, type Document } from 'yaml';
import { convertDocument } from './convert.ts';
import { decodeSource, type Source } from './decode.ts';
import { findJsonFault } from './json-fault.ts';
import type { Report } from './report.ts';
import { syntaxProblem } from './syntax.ts';
import type { Tree } from './tree.ts';

/**
 * Parses one YAML 1.2 or JSON file (by suffix) into values with their places.
 *
 * Integers beyond 2^53 become `bigint`; a plain `2024-01-02` stays a text; `1_000` is 1000 and `1_000.5` 1000.5, as in DVC; `<<` merges.
 * An empty file gives a null. Every fault goes to the report (`yaml.*`, `json.syntax`); `undefined` when there is no tree to go on with,
 * while a duplicate key, say, leaves one in which the rest can still be checked.
 */
export function parseSource(file: string, bytes: Uint8Array, report: Report): Tree | undefined {
  const source = decodeSource(file, bytes, report);
  if (source === undefined) return undefined;
  if (file.toLowerCase().endsWith('.json') && !isJson(source, report)) return undefined;
  const document = parse(source, report);
  return document && convertDocument(source, document, report);
}

function parse(source: Source, report: Report): Document | undefined {
  if (source.text.trim() === '') return parseDocument('', { version: '1.2' }) as Document;
  try {
    const document = parseDocument(source.text, {
      prettyErrors: false,
      uniqueKeys: false,
      merge: true,
      intAsBigInt: true,
      customTags: (tags) => [
        { tag: 'tag:yaml.org,2002:float', default: true, test: BARRED, resolve: withoutBars },
        ...tags,
      ],
    }) as Document;
    if (document.errors.length + document.warnings.length > 0) syntaxProblem(source, document, report);
    else if (document.directives?.yaml.version !== '1.2' && /^%YAML/m.test(source.text)) {
      const start = source.text.search(/^%YAML/m);
      report.add('yaml.version', `"${source.file}" asks for another YAML than 1.2`, {
        at: source.place(start, 9),
        hint: 'remove the %YAML line: in 1.1 "no" is false and 010 is 8',
      });
    } else return document;
  } catch (error) {
    // The parser is recursive: brackets in their thousands exhaust the stack.
    if (!(error instanceof RangeError)) throw error;
    report.add('yaml.depth', `"${source.file}" is nested too deeply`, { at: source.place(0, 1) });
  }
  return undefined;
}

const BARRED = /^(?=.*_)[-+]?\d[\d_]*(?:\.[\d_]*)?(?:[eE][-+]?\d+)?(?<!_)$/;

function withoutBars(text: string): number | bigint {
  const digits = text.replaceAll('_', '').replace(/^\+/, '');
  if (/[.e]/i.test(digits)) return Number(digits);
  return digits.startsWith('-') ? -BigInt(digits.slice(1)) : BigInt(digits);
}

/** YAML is wider than JSON: what other readers of the file would refuse is refused here as well (`json.syntax`). */
function isJson(source: Source, report: Report): boolean {
  if (source.text.trim() === '') return true;
  try {
    JSON.parse(source.text);
    return true;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    const offset = Math.min(findJsonFault(source.text), source.text.trimEnd().length);
    report.add('json.syntax', `"${source.file}" is not valid JSON: it breaks here`, {
      at: source.place(offset, 1),
      hint: 'JSON has double quotes, no comments and no comma after the last item',
    });
    return false;
  }
}
