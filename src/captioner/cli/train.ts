#!/usr/bin/env node
import { readArguments, UsageError } from './arguments.ts';
import { packageVersion } from './files.ts';
import {
  FLAGS as FINE_TUNING_FLAGS,
  HELP as FINE_TUNING_HELP,
  fineTuningRun,
  fineTuningSettings,
} from './fine-tuning/settings.ts';
import { runCommand, type Terminal } from './terminal.ts';
import { readValues } from './training/config-file.ts';
import { HELP } from './training/help.ts';
import { modelSettings, runSettings } from './training/settings.ts';

async function main(args: string[], terminal: Terminal): Promise<number> {
  if (args.some((argument) => /^--fine-tune(=|$)/.test(argument))) return fineTuning(args, terminal);
  const { values, positionals } = readValues(args);
  if (values.help) terminal.print(HELP);
  else if (values.version) terminal.print(`ekphrasis ${packageVersion()}`);
  if (values.help || values.version) return 0;
  if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is no option. See --help.`);
  const { average, out } = values;
  if (average !== undefined) {
    if (out === undefined) throw new UsageError('--out DIR is missing. See --help.');
    const { averageModels } = await import('./training/average.ts');
    await averageModels(average.split(','), out, modelSettings(values).precision);
    terminal.print(`the mean of ${average.split(',').length} models is in ${out}`);
    return 0;
  }
  const run = runSettings(values);
  const model = modelSettings(values);
  // Imported here so that --help and mistakes answer before the engine and Dawn are loaded.
  const { train } = await import('./training/run.ts');
  await train(run, model, terminal);
  return 0;
}

async function fineTuning(args: string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FINE_TUNING_FLAGS);
  if (values.help) terminal.print(FINE_TUNING_HELP);
  else if (values.version) terminal.print(`ekphrasis ${packageVersion()}`);
  if (values.help || values.version) return 0;
  if (positionals.length > 0)
    throw new UsageError(`"${positionals[0]}" is no option. See --fine-tune all --help.`);
  const [run, settings] = [fineTuningRun(values), fineTuningSettings(values)];
  const { fineTune } = await import('./fine-tuning/run.ts');
  await fineTune(run, settings, terminal);
  return 0;
}

await runCommand('train', main);
