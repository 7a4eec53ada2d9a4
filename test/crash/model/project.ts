import { digest, textsAt } from './world.ts';
import type { Algorithm, Files, Stage } from './world.ts';
import type { Seeded } from '../seeded.ts';

/** What the pipeline of a game says; stages stand after those they read from. */
export interface Design {
  readonly algorithm: Algorithm;
  readonly params: Readonly<Record<string, number>>;
  readonly stages: readonly Plan[];
  /** What modules compute with. */
  readonly salt: string;
  /** Comments of the module, which change nothing. */
  readonly comments: number;
}

/** A stage of it; several with `items`. */
interface Plan {
  readonly name: string;
  readonly isModule: boolean;
  readonly items: readonly string[];
  readonly deps: readonly string[];
  /** Keys that stand under `params:`; the command reads them from the file. */
  readonly reads: readonly string[];
  /** A key that stands in the command as a template. */
  readonly template: string | undefined;
  readonly salt: string;
  readonly outs: readonly OutPlan[];
  readonly fails: boolean;
  readonly policy: Stage['policy'];
  readonly isRemoved: boolean;
}

interface OutPlan {
  readonly path: string;
  readonly kind: 'file' | 'folder' | 'git' | 'persist';
}

export const DATA: readonly string[] = ['raw.bin', 'rawdir'];
/** The module's code beside pipeline and params. */
export const SOURCES: readonly string[] = ['pipeline.yaml', 'params.yaml', 'stages/mod.ts', 'stages/salt.ts'];
export const INPUTS: readonly string[] = ['in/a.txt', 'in/b.txt'];
/** What is there before anything runs. */
export const INPUT_FILES: Readonly<Record<string, string>> = {
  'in/a.txt': 'v0\n',
  'in/b.txt': 'v1\n',
  'raw.bin': 'v0\n',
  'rawdir/one': 'v0\n',
  'rawdir/two': 'v1\n',
};
const PARAMS = ['p0', 'p1', 'p2'];

/** Files of an out: of a folder two. */
const filesOf = ({ path, kind }: OutPlan): readonly string[] =>
  kind === 'folder' ? [`${path}/a`, `${path}/deep/b`] : [path];

/** A pipeline of four to eight stages: chains and diamonds, folders, files in and around them, and one of each kind. */
export function design(seeded: Seeded): Design {
  const pool = [...INPUTS, ...DATA];
  const stages: Plan[] = [];
  const count = 4 + seeded.below(4);
  const special = seeded.sample([...Array(count).keys()], 4);
  for (let index = 0; index < count; index++) {
    const isModule = index === special[0] && seeded.below(2) === 0;
    const isMany = index === special[1] && seeded.below(2) === 0;
    const kinds: OutPlan['kind'][] = [
      index === special[2] ? 'git' : seeded.below(3) === 0 ? 'folder' : 'file',
    ];
    if (index === special[3] && !isModule && !isMany) kinds[0] = 'persist';
    if (seeded.below(4) === 0) kinds.push('file');
    const outs = kinds.map((kind, at): OutPlan => ({
      path: `${seeded.below(2) === 0 ? 'o/' : ''}${isMany ? '${item}-' : ''}f${index}${at === 0 ? '' : 'x'}`,
      kind,
    }));
    const isInO = (out: OutPlan): boolean => out.path.startsWith('o/');
    // The last one may read a folder around the outs of others.
    const gathers = index === count - 1 && !outs.some(isInO) && stages.some((one) => one.outs.some(isInO));
    const deps = [...seeded.sample(pool, 1 + seeded.below(3)), ...(gathers ? ['o'] : [])];
    stages.push({
      name: `s${index}`,
      isModule,
      items: isMany ? ['a', 'b'] : [],
      deps: deps.sort(),
      reads: isModule ? [] : seeded.sample(PARAMS, seeded.below(2)),
      template: !isModule && seeded.below(3) === 0 ? seeded.pick(PARAMS) : undefined,
      salt: 'x',
      outs,
      fails: false,
      policy: 'usual',
      isRemoved: false,
    });
    for (const out of outs.flatMap((one) => instances(one, isMany ? ['a', 'b'] : []))) {
      pool.push(out.path);
      if (out.kind === 'folder') pool.push(`${out.path}/deep/b`);
    }
  }
  return {
    algorithm: seeded.pick(['sha256', 'md5']),
    params: { p0: 0, p1: 1, p2: 2 },
    stages,
    salt: 'x',
    comments: 0,
  };
}

const instances = (out: OutPlan, items: readonly string[]): readonly OutPlan[] =>
  items.length === 0 ? [out] : items.map((item) => ({ ...out, path: out.path.replace('${item}', item) }));

/** The files that a design stands in. */
export function render(project: Design): Readonly<Record<string, string>> {
  const stages = project.stages.filter(({ isRemoved }) => !isRemoved);
  const module = stages.find(({ isModule }) => isModule);
  return {
    'pipeline.yaml': `name: model\nhash: ${project.algorithm}\ndata: ${JSON.stringify(DATA)}\nstages:\n${stages.map(renderStage).join('')}`,
    'params.yaml': Object.entries(project.params)
      .map(([key, value]) => `${key}: ${value}\n`)
      .join(''),
    'stages/mod.ts': `${'// A comment\n'.repeat(project.comments)}${module ? moduleOf(module) : ''}`,
    'stages/salt.ts': `export const SALT = '${project.salt}';\n`,
  };
}

function renderStage(plan: Plan): string {
  const { name, items, deps, reads, outs } = plan;
  const body = {
    ...(plan.isModule ? { run: 'stages/mod.ts' } : { cmd: commandOf(plan) }),
    ...(plan.policy !== 'usual' && { [plan.policy]: true }),
    deps,
    ...(reads.length > 0 && { params: reads }),
    outs: outs.map(({ path, kind }) => {
      if (kind === 'git') return { [path]: { cache: false } };
      if (kind === 'persist') return { [path]: { persist: true } };
      return kind === 'folder' ? `${path}/` : path;
    }),
  };
  const whole = items.length > 0 ? { foreach: items, do: body } : body;
  return `  ${name}: ${JSON.stringify(whole)}\n`;
}

/** Notes that it ran, lists hashes and names of all it reads, and writes that to each of its files below their names. */
function commandOf({ name, deps, reads, template, salt, outs, fails, items }: Plan): string {
  const paths = outs.flatMap(filesOf);
  const old = outs.find(({ kind }) => kind === 'persist');
  const item = items.length > 0 ? '@${item}' : '';
  const value = template === undefined ? '' : `\${${template}}`;
  const lines = [
    `echo ${name}${item} >> ../runs`,
    `old=$(cat ${old?.path ?? '/dev/null'} 2>/dev/null | sha256sum)`,
    `list=$(find ${deps.join(' ')} -type f ! -name .gitignore | LC_ALL=C sort -u | xargs sha256sum; ${reads
      .map((key) => `grep "^${key}:" params.yaml`)
      .concat('true')
      .join('; ')})`,
    ...outs.filter(({ kind }) => kind === 'folder').map(({ path }) => `mkdir -p ${path}/deep`),
    `for f in ${paths.join(' ')}; do rm -f $f; echo "$f ${salt} ${value} $old\n$list" > $f; done`,
    ...(fails ? ['exit 3'] : []),
  ];
  return lines.join('; ');
}

function moduleOf({ deps, outs }: Plan): string {
  return `import { lstatSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { SALT } from './salt.ts';
const sha256 = (text) => createHash('sha256').update(text).digest('hex');
const filesOf = (path) => lstatSync(path).isDirectory()
  ? readdirSync(path).filter((name) => name !== '.gitignore').flatMap((name) => filesOf(path + '/' + name)) : [path];
export default ({ outs }) => {
  const files = [...new Set(${JSON.stringify(deps)}.flatMap(filesOf))].sort();
  const list = files.map((name) => sha256(readFileSync(name)) + '  ' + name + '\\n').join('');
  for (const [out, files] of ${JSON.stringify(outs.map((out) => [out.path, filesOf(out)]))})
    for (const file of files) {
      const path = outs[out] + file.slice(out.length);
      mkdirSync(path.slice(0, path.lastIndexOf('/')), { recursive: true });
      writeFileSync(path, file + ' ' + SALT + '\\n' + list);
    }
};
`;
}

/** What the model knows of a design. */
export function modelOf({ stages, params, salt }: Design): readonly Stage[] {
  return stages
    .filter(({ isRemoved }) => !isRemoved)
    .flatMap((plan) =>
      plan.items.length === 0
        ? [stageOf(plan, { params, salt })]
        : plan.items.map((item) => stageOf(instanceOf(plan, item), { params, salt })),
    );
}

function instanceOf(plan: Plan, item: string): Plan {
  return {
    ...plan,
    name: `${plan.name}@${item}`,
    outs: plan.outs.flatMap((out) => instances(out, [item])),
    items: [],
  };
}

function stageOf(plan: Plan, { params, salt }: Pick<Design, 'params' | 'salt'>): Stage {
  const { name, isModule, deps, reads, template, outs, fails } = plan;
  const value = template === undefined ? '' : String(params[template]);
  const recorded = reads.map((key) => `${key}: ${params[key]}\n`).join('');
  const old = outs.find(({ kind }) => kind === 'persist')?.path ?? '';
  return {
    name,
    // The name stands in the command; without a note of the run a command would be that of another stage, too.
    identity: isModule
      ? JSON.stringify([salt, outs])
      : JSON.stringify([name, plan.salt, template ?? '', value, recorded, fails, outs.map(filesOf)]),
    deps,
    isNoted: !isModule,
    fails,
    policy: plan.policy,
    outs: outs.map(({ path, kind }) => ({ path, persist: kind === 'persist', cache: kind !== 'git' })),
    make(files) {
      const list = `${listOf(deps, files)}${recorded}`;
      const before = `${digest('sha256', files.get(old)?.text ?? '')}  -`;
      const headOf = (file: string): string =>
        isModule ? `${file} ${salt}\n` : `${file} ${plan.salt} ${value} ${before}\n`;
      return new Map(outs.flatMap(filesOf).map((file) => [file, `${headOf(file)}${list}`]));
    },
  };
}

/** What `sha256sum` says of all files at some paths. */
function listOf(deps: readonly string[], files: Files): string {
  const texts = new Map(
    deps.flatMap((dep) =>
      [...textsAt(files, dep)].map(([name, text]) => [name === '' ? dep : `${dep}/${name}`, text] as const),
    ),
  );
  return [...texts]
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, text]) => `${digest('sha256', text)}  ${name}\n`)
    .join('');
}
