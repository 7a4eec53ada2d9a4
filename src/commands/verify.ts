import { join } from 'node:path';
import { EXIT, PipelineError } from '../base/error.ts';
import type { ExitCode } from '../base/error.ts';
import { formatBytes, plural, shellPath, shellQuote } from '../base/text.ts';
import { wantedArtifacts } from '../execute/checkout.ts';
import { verify as verifyHere } from '../execute/verify.ts';
import type { Verified, VerifyOptions } from '../execute/verify.ts';
import { verifyRemote } from '../transfer/verify-remote.ts';
import { statIfExists } from '../io/files.ts';
import type { Project } from '../project.ts';
import { isSet, printJson, textFlag, withProject } from './command.ts';
import type { Command, CommandContext } from './command.ts';
import { refuseKept } from './kept.ts';
import { eachRemote, exitOf, pathsOf } from './routes.ts';

const verify: Command = {
  summary: 'Check that cache, workspace or a remote have what pipeline.lock says',
  usage: '[STAGE | PATH …]',
  flags: {
    'read-data': {
      type: 'boolean',
      help: 'read and hash every byte; bad objects and past results are taken out of the cache',
    },
    remote: {
      type: 'string',
      short: 'r',
      value: 'NAME',
      help: 'check this remote, instead of cache and workspace',
    },
  },
  examples: [
    'lockstep verify',
    'lockstep verify --read-data',
    'lockstep verify data/raw --read-data --json',
    'lockstep verify --remote storage',
  ],
  run: (context) =>
    withProject(context, async (project) =>
      textFlag(context, 'remote') === undefined ? verifyAll(context, project) : verifyThere(context, project),
    ),
};

export default verify;

async function verifyAll(context: CommandContext, project: Project): Promise<ExitCode> {
  // A run that moves outs about would be taken for damage.
  using _workspace = await project.takeWorkspace();
  using _cache = await project.takeCache('shared');
  const readData = isSet(context, 'read-data');
  const only = pathsOf(context.args, project);
  const artifacts = wantedArtifacts({ ...project, ...(only && { only }) });
  const whole = only === undefined;
  const found = await verifyHere({ ...project, artifacts, whole, readData, ...curesOf(project) });
  return tell(
    context,
    found,
    readData ? 'every byte was read' : 'by size and time; --read-data reads every byte',
  );
}

async function verifyThere(context: CommandContext, project: Project): Promise<ExitCode> {
  const readData = isSet(context, 'read-data');
  const asked = textFlag(context, 'remote');
  refuseKept(context.args, project, { asked, moved: 'verified there' });
  let found: Verified | undefined;
  const failures = await eachRemote(
    context,
    project,
    { asked, runCache: false },
    async (remote, { name, artifacts }) => {
      if (name !== asked) return;
      found = await verifyRemote({
        ...project,
        remote,
        name,
        artifacts: artifacts.filter(({ inGit }) => !inGit).map(({ artifact }) => artifact),
        whole: pathsOf(context.args, project) === undefined,
        readData,
      });
    },
  );
  if (failures.length > 0) return exitOf(failures, false);
  const nothing: Verified = { artifacts: 0, objects: 0, size: 0, results: 0, problems: [] };
  return tell(
    context,
    found ?? nothing,
    readData ? 'every byte was downloaded and hashed' : 'by name and size; --read-data downloads and hashes',
  );
}

/** What can be done now about an artifact, in commands that work. */
function curesOf({ root, folder, graph }: Project): Pick<VerifyOptions, 'cureOf' | 'acceptOf'> {
  const hasRemotes = statIfExists(join(root, 'remotes.yaml')) !== undefined;
  return {
    acceptOf: (path) => {
      const stage = graph.ownerOf(path);
      return stage ? `"lockstep commit ${shellQuote(stage.name)}"` : '"lockstep repro"';
    },
    cureOf: ({ artifact: { path }, inGit, push }) => {
      const stage = graph.ownerOf(path);
      if (inGit && stage)
        return `"git checkout -- ${shellPath(path, folder)}" brings the committed one back, "lockstep repro ${shellQuote(stage.name)}" makes it again`;
      const pull = `"lockstep pull ${shellPath(path, folder)}" brings it back from the remote`;
      if (!stage || stage.policy.frozen) {
        if (!push) return `copy "${path}" from the machine that has it: no remote does ("push: false")`;
        return hasRemotes ? pull : `bring "${path}" back from a backup; this project has no remote`;
      }
      const repro = `"lockstep repro ${shellQuote(stage.name)}" makes it again`;
      return hasRemotes && push ? `${pull}, ${repro}` : repro;
    },
  };
}

function tell(context: CommandContext, found: Verified, how: string): ExitCode {
  const { artifacts, objects, size, results, problems } = found;
  const isGood = problems.length === 0;
  if (!isGood) context.tell(PipelineError.of(problems, EXIT.failed));
  if (context.json)
    printJson(context, { type: 'verified', artifacts, objects, size, results, problems: problems.length });
  else {
    const what = [
      `${plural(artifacts, 'artifact')} of pipeline.lock`,
      plural(objects, 'object'),
      ...(results > 0 ? [plural(results, 'past result')] : []),
    ];
    const verdict = isGood ? 'all good' : plural(problems.length, 'problem');
    context.print(`Verified ${what.join(', ')}, ${formatBytes(size)} (${how}): ${verdict}.\n`);
  }
  return isGood ? EXIT.ok : EXIT.failed;
}
