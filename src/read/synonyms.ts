/** What other tools call the keys of pipeline.yaml. */
export const PIPELINE_SYNONYMS: Readonly<Record<string, string>> = {
  always_changed: 'always',
  locked: 'frozen',
  dependencies: 'deps',
  inputs: 'deps',
  needs: 'deps',
  depends_on: 'deps',
  outputs: 'outs',
  command: 'cmd',
  commands: 'cmd',
  shell: 'cmd',
  script: 'run',
  module: 'run',
  cwd: 'wdir',
  workdir: 'wdir',
  working_directory: 'wdir',
  environment: 'env',
  parameters: 'params',
  retries: 'retry',
  description: 'desc',
  tasks: 'stages',
  steps: 'stages',
  jobs: 'stages',
  timezone: 'tz',
};

/** What other tools call the keys of remotes.yaml. */
export const REMOTES_SYNONYMS: Readonly<Record<string, string>> = {
  remote: 'remotes',
  storage: 'remotes',
  core: 'default',
};

/** The key of ours that another tool's word stands for. */
export function synonymOf(word: string, synonyms: Readonly<Record<string, string>>): string | undefined {
  return Object.hasOwn(synonyms, word) ? synonyms[word] : undefined;
}
