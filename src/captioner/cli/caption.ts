#!/usr/bin/env node
import { joinProfiles, type Profile } from '../../kernels/profiling/profile.ts';
import { choiceFlag, numberFlag, readArguments, threadsFlag, UsageError } from './arguments.ts';
import { captionImages, type Session } from './caption-images.ts';
import { checkOutputFile, folderSource, packageVersion, writeWhole } from './files.ts';
import { findImages } from './inputs.ts';
import { modelFolder } from './model-folder.ts';
import { profileTable } from './profile-table.ts';
import { runCommand, type Terminal, usable } from './terminal.ts';
import { type Tunable, tune } from './tune.ts';

const HELP = `Describes photographs in a sentence each.

Usage: node dist/caption.js [options] IMAGE…

  IMAGE           a JPEG or PNG file; a folder (the images directly in it); a glob pattern, quoted or not;
                  - for standard input
  --model DIR     model folder (default: the shipped models/flickr8k)
  --device NAME   auto, webgpu or cpu (default: auto, the fastest there is)
  --threads N     threads of the CPU device (default: one a core, at most 8)
  --beam N        width of the beam search, 1 to 100 (default: 3; 1 is greedy)
  --top N         show the N best sentences of the search, 1 to 100, in the search's order: of each its probability, its
                  mean log probability per word, and its words; a beam narrower than N is raised to N
  --attention FILE
                  write a web page that shows where each word looked; only for models with attention
  --json          print an array of {path, caption, score, meanLogProbability, unsure, device, milliseconds}, or
                  {path, error}; score is the caption's log probability (natural, the end of the sentence counted as
                  a word), meanLogProbability the same per word; with --top also probability and alternatives
  --verbose       tell on standard error which device was chosen and why, the times, and the memory
  --profile       show on standard error where the time went, op by op: calls, time of the kernels, GFLOP/s, bytes,
                  share; with --verbose also by shapes. Loading is not counted, compiling shows in the wall time
  --tune          first find the fastest variant of each kernel on this WebGPU adapter, which takes seconds to minutes,
                  and keep the choices for later runs; IMAGE may be left out
  --version       print the version
  --help          print this text

One image prints its caption alone, several print "path: caption". Where the model's config.json has an unsureBelow,
a caption of a lower mean log probability is printed as "not sure: caption". Exit code: 0 all captioned, 1 some image failed,
2 the command line or the model cannot be used.`;

const FLAGS = {
  model: { type: 'string' },
  device: { type: 'string', default: 'auto' },
  threads: { type: 'string' },
  beam: { type: 'string', default: '3' },
  top: { type: 'string' },
  attention: { type: 'string' },
  json: { type: 'boolean', default: false },
  verbose: { type: 'boolean', default: false },
  profile: { type: 'boolean', default: false },
  tune: { type: 'boolean', default: false },
  version: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const DEVICES = ['auto', 'webgpu', 'cpu'] as const;

interface Choice {
  readonly model: string;
  readonly prefer: (typeof DEVICES)[number];
  readonly threads: number | undefined;
  /** Whether the model must have attention. */
  readonly attention: boolean;
}

/** Loads the model on the device; `close` gives up both. */
async function openCaptioner({ model, prefer, threads, attention }: Choice, report: (line: string) => void) {
  // Imported here so that --help and mistakes answer before the engine and Dawn are loaded.
  const { requestDevice } = await import('../../kernels/request-device.ts');
  const { Captioner } = await import('../captioner.ts');
  const start = performance.now();
  const device = await requestDevice({ prefer, threads });
  try {
    const captioner = await Captioner.load(folderSource(model), device);
    if (attention && !captioner.config.decoder.attention) {
      throw new UsageError(
        `--attention: the model ${model} has no attention, it sees the whole image at every word. Leave the flag away, or name a model with attention by --model.`,
      );
    }
    report(`device: ${device.description}`);
    report(`${model} loaded in ${(performance.now() - start).toFixed(0)} ms`);
    const close = () => {
      captioner.dispose();
      device.destroy();
    };
    return { device, captioner, close };
  } catch (error) {
    device.destroy();
    throw error;
  }
}

/** With `profiles` every caption adds its own. */
async function openSession(
  choice: Choice,
  report: (line: string) => void,
  profiles: Profile[] | null,
): Promise<Session> {
  const { device, captioner, close } = await openCaptioner(choice, report);
  const peakBytes = () => device.memory().peakBytes;
  const session = { device: device.kind, peakBytes, close };
  if (!profiles) return { ...session, caption: (image, options) => captioner.caption(image, options) };
  try {
    // An adapter that cannot be profiled is to fail here, and not with every image.
    await device.profile(() => undefined);
  } catch (error) {
    close();
    throw error;
  }
  return {
    ...session,
    async caption(image, options) {
      const { result, profile } = await device.profile(() => captioner.caption(image, options));
      profiles.push(profile);
      return result;
    },
  };
}

/** The page of `--attention`. Nothing is written where no image was captioned. */
async function openPage(file: string) {
  const { AttentionPage } = await import('./pages/attention-page.ts');
  const page = new AttentionPage();
  return {
    add: page.add.bind(page),
    async write(): Promise<boolean> {
      if (page.images > 0) await writeWhole(file, page.text());
      return page.images > 0;
    },
  };
}

/** Kernels depend on the model and on the width of the beam, and not on what is to be seen. */
async function openTunable(choice: Choice, beam: number, report: (line: string) => void): Promise<Tunable> {
  const { device, captioner, close } = await usable(() => openCaptioner(choice, report));
  const black = { width: 1, height: 1, data: new Uint8Array(3) };
  return {
    tune: (progress) => usable(() => device.tune(() => captioner.caption(black, { beam }), progress)),
    close,
  };
}

async function main(args: string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS);
  if (values.help) terminal.print(HELP);
  else if (values.version) terminal.print(`ekphrasis ${packageVersion()}`);
  if (values.help || values.version) return 0;

  const prefer = choiceFlag('--device', values.device, DEVICES);
  const top = values.top === undefined ? undefined : numberFlag('--top', values.top, { least: 1, most: 100 });
  const beam = Math.max(numberFlag('--beam', values.beam, { least: 1, most: 100 }), top ?? 1);
  checkOutputFile('--attention', values.attention);
  if (positionals.length === 0 && !values.tune)
    throw new UsageError('no image given. Usage: node dist/caption.js [options] IMAGE…; see --help.');
  const threads = threadsFlag(values.threads);
  const attention = values.attention !== undefined;
  const choice = { model: modelFolder(values.model), prefer, threads, attention };
  const { json, verbose } = values;
  const report = (line: string) => void (verbose && terminal.say(line));
  if (values.tune) await tune(() => openTunable(choice, beam, report), verbose, terminal);
  if (positionals.length === 0) return 0;
  const profiles: Profile[] | null = values.profile ? [] : null;
  const open = () => openSession(choice, report, profiles);
  const page = values.attention === undefined ? null : await openPage(values.attention);
  const settings = { beam, top, json, verbose, showAttention: page?.add };
  const code = await captionImages(await findImages(positionals), open, settings, terminal);
  if (page && !(await page.write()))
    terminal.say(`${values.attention} was not written: no image was captioned`);
  if (profiles && profiles.length > 0) {
    const profile = joinProfiles(profiles);
    for (const line of profileTable(profile)) terminal.say(line);
    if (verbose) for (const line of profileTable(profile, true)) terminal.say(line);
  }
  return code;
}

await runCommand('caption', main);
