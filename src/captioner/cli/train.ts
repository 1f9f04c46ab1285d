import { UsageError } from './arguments.ts';
import { packageVersion } from './files.ts';
import { FLAGS as FINE_TUNING_FLAGS } from './fine-tuning/flags.ts';
import { HELP as FINE_TUNING_HELP } from './fine-tuning/help.ts';
import { fineTuningRun } from './fine-tuning/run-settings.ts';
import { fineTuningSettings } from './fine-tuning/settings.ts';
import { runCommand, type Terminal, usable } from './terminal.ts';
import { isSet, readConfigured, readValues } from './training/config-file.ts';
import { readEarlierModel } from './training/earlier-model.ts';
import { HELP } from './training/help.ts';
import { modelSettings, runSettings } from './training/settings.ts';

async function main(args: string[], terminal: Terminal): Promise<number> {
  if (isSet(args, 'fine-tune')) return fineTuning(args, terminal);
  const { values, positionals } = readValues(args);
  if (values.help) terminal.print(HELP);
  else if (values.version) terminal.print(`ekphrasis ${packageVersion()}`);
  if (values.help || values.version) return 0;
  if (positionals.length > 0) throw new UsageError(`"${positionals[0]}" is no option. See --help.`);
  const { average, out, force } = values;
  if (average !== undefined) {
    if (out === undefined) throw new UsageError('--out DIR is missing. See --help.');
    const { averageModels } = await import('./training/average.ts');
    await averageModels(average.split(','), { out, force }, modelSettings(values).precision);
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
  const { values, positionals } = readConfigured(args, FINE_TUNING_FLAGS);
  if (values.help) terminal.print(FINE_TUNING_HELP);
  else if (values.version) terminal.print(`ekphrasis ${packageVersion()}`);
  if (values.help || values.version) return 0;
  if (positionals.length > 0)
    throw new UsageError(`"${positionals[0]}" is no option. See --fine-tune all --help.`);
  const run = fineTuningRun(values);
  const { from } = run;
  const earlier = from !== undefined && !run.resume ? await usable(() => readEarlierModel(from)) : null;
  const settings = fineTuningSettings(values, earlier?.config ?? null);
  const { fineTune } = await import('./fine-tuning/run.ts');
  await fineTune(run, settings, earlier, terminal);
  return 0;
}

await runCommand('train', main);
