import remotesSchema from '../../schema/remotes.schema.json' with { type: 'json' };
import type { Problem } from '../base/error.ts';
import { SCHEMES } from '../base/remote.ts';
import type { RemoteConfig } from '../base/remote.ts';
import { didYouMean, suggest } from '../base/text.ts';
import type { Location } from '../base/types.ts';
import { type EnvLookup, resolveEnv } from './env-template.ts';
import { createFiles, type Load } from './files.ts';
import { createReport, type Report } from './report.ts';
import { REMOTES_SYNONYMS } from './synonyms.ts';
import { child, entriesOf, type Entry, type MapTree, textOf, toJson, type Tree } from './tree.ts';
import { createValidate } from './validate.ts';

/** The file that names the remotes, at the root of the project. */
export const REMOTES_FILE = 'remotes.yaml';

/** A remote as it stands in the file: its folder may be below `~`, or relative to the project root. */
export interface NamedRemote extends RemoteConfig {
  /** The url as remotes.yaml has it, for telling: what comes from the environment is not in it. */
  readonly shown: string;
  readonly secrets: readonly string[];
  /** Why this remote cannot be used, a variable that is not set above all; it concerns nobody who uses another. */
  readonly problem?: Problem;
}

/** All remotes of a project by name, and the one that is used when none is named. */
export interface Remotes {
  readonly default?: string;
  readonly remotes: Readonly<Record<string, NamedRemote>>;
}

/** The result of a reading: remotes, none of them when the file is missing, or else at least one problem. */
export interface RemotesReading {
  readonly remotes: Remotes | undefined;
  readonly problems: readonly Problem[];
  /** Files asked for, missing ones included. */
  readonly files: readonly string[];
  /** True when nothing was asked of the environment: the files alone say it all, and no secret is in it. */
  readonly isFixed: boolean;
}

/** Schemes of other tools and what they are called here. */
const SCHEME_SYNONYMS: Readonly<Record<string, string>> = {
  gcs: 'gs',
  az: 'azure',
  abfs: 'azure',
  drive: 'gdrive',
  file: '',
};

const validate = createValidate(remotesSchema, {
  area: 'remotes',
  item: 'remote',
  synonyms: REMOTES_SYNONYMS,
});

/**
 * Reads remotes.yaml; without that file there are no remotes and no problem.
 *
 * `${env:NAME}` is replaced in the url and in every option. A variable that is not set becomes the `problem` of its
 * remote alone; what is wrong in the file itself is told in `problems` and leaves `remotes` undefined.
 */
export function readRemotes({ load, env }: { readonly load: Load; readonly env: EnvLookup }): RemotesReading {
  const report = createReport();
  const files = createFiles(load, report);
  let isFixed = true;
  const ask: EnvLookup = (name) => {
    isFixed = false;
    return env(name);
  };
  const remotes = files.exists(REMOTES_FILE) ? read(files.tree(REMOTES_FILE), ask, report) : { remotes: {} };
  const problems = report.problems(files.consulted());
  return {
    remotes: problems.length === 0 ? remotes : undefined,
    problems,
    files: files.consulted(),
    isFixed,
  };
}

function read(root: Tree | undefined, env: EnvLookup, report: Report): Remotes | undefined {
  if (root === undefined) return undefined;
  if (root.kind !== 'map') {
    if (root.kind === 'scalar' && root.value === null) return { remotes: {} };
    report.add('remotes.type', `${REMOTES_FILE}: expected a map`, {
      at: root.at,
      hint: 'begin with "remotes:"',
    });
    return undefined;
  }
  validate(root, report);
  const remotes: Record<string, NamedRemote> = {};
  for (const entry of entriesOf(child(root, 'remotes'))) {
    const remote = readRemote(entry, env, report);
    if (remote) remotes[entry.key] = remote;
  }
  const chosen = textOf(child(root, 'default'));
  const named = child(root, 'remotes');
  if (chosen && (named?.kind ?? 'map') === 'map' && child(named, chosen.value) === undefined) {
    const names = entriesOf(named).map(({ key }) => key);
    report.add('remotes.default', `the default remote "${chosen.value}" does not exist`, {
      at: chosen.at,
      hint: didYouMean(chosen.value, names),
    });
  }
  return { ...(chosen && { default: chosen.value }), remotes };
}

function readRemote(
  { key: name, keyAt: at, value }: Entry,
  env: EnvLookup,
  report: Report,
): NamedRemote | undefined {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(name)) {
    report.add('remotes.name', `"${name}" is no name for a remote`, {
      at,
      hint: 'use letters, digits, "-", "_" and "."',
    });
  }
  if (value.kind !== 'map') return undefined;
  checkLiterals(value, report);
  const url = textOf(child(value, 'url'));
  if (url === undefined) return undefined;
  checkUrl(url.value, url.at, report);
  const { tree, secrets, problem } = resolveEnv(value, name, env, report);
  const options = entriesOf(tree).filter(({ key }) => key !== 'url');
  return {
    name,
    url: textOf(child(tree, 'url'))?.value ?? url.value,
    shown: url.value,
    options: Object.fromEntries(options.map((option) => [option.key, toJson(option.value)])),
    secrets,
    ...(problem && { problem }),
    at,
  };
}

/** Keys whose value is a credential, whatever the kind of remote. */
const SECRET_KEY =
  /(^|[_-])(secret|token|password|passwd|passphrase)([_-]|$)|(secret|access|account|api|private|shared|storage)_?key$|connection_?string$|sas_?token$|client_?secret$/i;

/** A url with a password or, in that of a web server, a user; or with a signature or token in its query. */
const SECRET_IN_URL =
  /^(?:[a-z][a-z0-9+.-]*:\/\/[^/@?]*:[^/@?]+@|https?:\/\/[^/@?:]+@|[a-z0-9+.-]+:\/\/[^?]*\?(?:.*&)?[\w-]*(?:sig|signature|token|key|secret|password)=[^&])/i;

function isSecretUrl(value: unknown): boolean {
  return typeof value === 'string' && SECRET_IN_URL.test(value.replaceAll(/\$\{\s*env:[^}]*\}/g, ''));
}

/** `access_key_id` and its like name a key without giving it away. */
const NOT_SECRET = /(_id|_path|_file|path|file|_uri|_url|_timeout)$/i;

function checkLiterals(map: MapTree, report: Report): void {
  for (const { key, keyAt, value } of map.entries.values()) {
    if (value.kind === 'map') checkLiterals(value, report);
    else if (value.kind === 'scalar' && isSecretUrl(value.value)) {
      report.add(
        'remotes.literal-secret',
        `the ${key} holds a password, and git keeps ${REMOTES_FILE} for ever`,
        { at: value.at, hint: 'write user and password, or a token, as ${env:NAME} options' },
      );
    } else if (
      value.kind === 'scalar' &&
      SECRET_KEY.test(key) &&
      !NOT_SECRET.test(key) &&
      isLiteral(value.value)
    ) {
      report.add(
        'remotes.literal-secret',
        `the secret "${key}" is written into ${REMOTES_FILE}, which git keeps for ever`,
        {
          at: keyAt,
          hint: `write ${key}: "\${env:${key.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}}" and set that variable; replace the secret if it was ever committed`,
        },
      );
    }
  }
}

function isLiteral(value: unknown): boolean {
  if (typeof value === 'string') return value !== '' && !/\$\{\s*env:/.test(value);
  return typeof value === 'number' || typeof value === 'bigint';
}

function checkUrl(url: string, at: Location, report: Report): void {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]+):/.exec(url)?.[1];
  if (scheme !== undefined) {
    const lower = scheme.toLowerCase();
    if (!(SCHEMES as readonly string[]).includes(lower)) {
      const meant = Object.hasOwn(SCHEME_SYNONYMS, lower) ? SCHEME_SYNONYMS[lower] : suggest(lower, SCHEMES);
      const hint =
        meant === ''
          ? 'write a folder as a plain path'
          : meant
            ? `did you mean "${meant}://"?`
            : `known are ${SCHEMES.map((one) => `${one}://`).join(' ')} and folders`;
      report.add('remotes.scheme', `no remote is known for "${scheme}:"`, { at, hint });
    } else if (!/^[a-z0-9+.-]+:\/\/[^/]/i.test(url)) {
      report.add('remotes.url', `"${scheme}:" needs a name after "//"`, {
        at,
        hint: `as in ${lower}://name/prefix`,
      });
    }
  }
}
