#!/usr/bin/env node
import { UsageError } from './arguments.ts';
import { packageVersion } from './files.ts';
import { runCommand } from './terminal.ts';

/** Each command's file runs it when it is imported, and reads its own part of the command line. */
const COMMANDS: Readonly<Record<string, { readonly does: string; readonly run: () => Promise<unknown> }>> = {
  caption: { does: 'describe photographs in a sentence each', run: () => import('./caption.ts') },
  convert: { does: 'convert Keras weights, or a whole captioner', run: () => import('./convert.ts') },
  train: { does: 'train a captioner, or its encoder', run: () => import('./train.ts') },
  evaluate: { does: 'score a captioner on a data set', run: () => import('./evaluate.ts') },
};

const HELP = `Captions photographs, and trains, converts and scores the models that do.

Usage: ekphrasis COMMAND [options]

${Object.entries(COMMANDS)
  .map(([name, { does }]) => `  ${name.padEnd(15)} ${does}`)
  .join('\n')}
  --version       print the version
  --help          print this text

ekphrasis COMMAND --help tells more.`;

const [name = '--help'] = process.argv.slice(2);
if (Object.hasOwn(COMMANDS, name)) {
  process.argv.splice(2, 1);
  await COMMANDS[name].run();
} else {
  await runCommand('ekphrasis', async (_args, terminal) => {
    if (name === '--version') terminal.print(`ekphrasis ${packageVersion()}`);
    else if (name === '--help' || name === '-h') terminal.print(HELP);
    else {
      const known = Object.keys(COMMANDS).join(', ');
      throw new UsageError(`"${name}" is no command; give one of ${known}. See --help.`);
    }
    return 0;
  });
}
