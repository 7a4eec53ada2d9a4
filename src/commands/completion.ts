import { EXIT, PipelineError } from '../base/error.ts';
import { didYouMean } from '../base/text.ts';
import { isSet } from './command.ts';
import type { Command } from './command.ts';
import { completeLine } from './completion/complete-line.ts';
import { SCRIPTS } from './completion/scripts.ts';
import { unknownArgument } from './parse-line.ts';

const completion: Command = {
  summary: 'Print a script that completes commands, flags, stages and remotes in your shell',
  usage: 'bash | zsh | fish',
  flags: {
    words: { type: 'boolean', help: 'what the scripts ask: what the last word after "--" may become' },
    describe: { type: 'boolean', help: '--words: each with a tab and what it is' },
  },
  examples: [
    'eval "$(lockstep completion bash)"                                    # in ~/.bashrc',
    'eval "$(lockstep completion zsh)"                                     # in ~/.zshrc, after compinit',
    'lockstep completion fish > ~/.config/fish/completions/lockstep.fish   # once',
    "lockstep completion --words -- repro --keep ''",
  ],
  complete: async (args) => (args.length === 0 ? [...SCRIPTS.keys()] : []),
  run: async (context) => {
    if (isSet(context, 'words')) {
      const { args, dir, env } = context;
      const found = await completeLine(args, { dir, env, describe: isSet(context, 'describe') });
      for (const { word, help } of found)
        context.print(help === undefined ? `${word}\n` : `${word}\t${help}\n`);
      return EXIT.ok;
    }
    const [shell, extra] = context.args;
    const shells = [...SCRIPTS.keys()];
    if (shell === undefined)
      throw new PipelineError('cli.arguments', 'no shell is named', {
        hint: `name one of ${shells.join(', ')}`,
      });
    if (extra !== undefined) throw unknownArgument('completion', extra);
    const script = SCRIPTS.get(shell);
    if (script === undefined)
      throw new PipelineError('cli.arguments', `there is no completion for "${shell}"`, {
        hint: didYouMean(shell, shells),
      });
    context.print(script);
    return EXIT.ok;
  },
};

export default completion;
