#!/usr/bin/env node
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { splits } from '../evaluation/report.ts';
import { choiceFlag, numberFlag, readArguments, threadsFlag, UsageError } from './arguments.ts';
import type { EvaluationSettings } from './evaluation/run.ts';
import { checkOutputFile, packageVersion } from './files.ts';
import { modelFolder } from './model-folder.ts';
import { runCommand, type Terminal } from './terminal.ts';

const HELP = `Scores a captioner on a data set: captions every image of a split and compares with what people wrote.

Usage: node dist/evaluate.js [options] --data DIR

  --data DIR       data set: Flickr8k (captions.txt or Flickr8k.token.txt, split lists) or MS COCO (captions_*.json)
  --model DIR      model folder (default: the shipped models/flickr8k)
  --split NAME     dev, test or train (default: dev)
  --beam N         width of the beam search, 1 to 100 (default: 3; 1 is greedy), or a range of them, 1-5; given several
                   times, each is scored
  --length-exponent A
                   beam search ranks sentences by log probability / length^A, 0 to 2 (default: 1; 0 favours short
                   sentences); given several times, each is scored with every beam
  --limit N        only the first N images of the split
  --seed N, --held-out PART
                   which images and how many are held out where the data set has no split lists, as given to train
                   (default: 42, 0.1)
  --cache DIR      where image features are kept, shared with train (default: .cache/features)
  --threads N      threads that compute (default: one a core; on WebGPU, one that feeds it)
  --device NAME    auto, webgpu or cpu (default: auto, the fastest there is)
  --json FILE      write scores, settings, device and the SHA-256 of the model's files; and, of the first search, the
                   mean CIDEr-D below and above some mean log probabilities, to choose unsureBelow in config.json by
  --captions FILE  write the captions as a JSON object {image: caption}; for one --beam and one --length-exponent
  --per-image FILE write each image's captions with their scores, and what people wrote, as JSON
  --html FILE      write a web page of the 30 best and the 30 worst captions of the first search, with the pictures
  --version        print the version
  --help           print this text

Scores are those of the COCO caption evaluation: BLEU and ROUGE-L from 0 to 1, CIDEr-D from 0 to 10. For scale, the
last columns score one person's sentences against the other people's, and one sentence given to all images. Of split
lists, only that of the split is needed. Beams and exponents are to be chosen on dev, not on test.
Exit code: 0 scored, 1 an image or a file failed on the way, 2 the command line, the model or the data set cannot be
used.`;

const FLAGS = {
  data: { type: 'string' },
  model: { type: 'string' },
  split: { type: 'string', default: 'dev' },
  beam: { type: 'string', multiple: true },
  'length-exponent': { type: 'string', multiple: true },
  limit: { type: 'string' },
  seed: { type: 'string', default: '42' },
  'held-out': { type: 'string', default: '0.1' },
  cache: { type: 'string', default: join('.cache', 'features') },
  threads: { type: 'string' },
  device: { type: 'string', default: 'auto' },
  json: { type: 'string' },
  captions: { type: 'string' },
  'per-image': { type: 'string' },
  html: { type: 'string' },
  version: { type: 'boolean', default: false },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

const DEVICES = ['auto', 'webgpu', 'cpu'] as const;
const LARGEST = Number.MAX_SAFE_INTEGER;

type Values = ReturnType<typeof readArguments<typeof FLAGS>>['values'];

/** The widths that one --beam names: a number, or a range such as 1-5. */
function beamsOf(text: string): number[] {
  const widths = { least: 1, most: 100 };
  const [, from, to] = /^(\d+)-(\d+)$/.exec(text) ?? [];
  if (from === undefined) return [numberFlag('--beam', text, widths)];
  const [least, most] = [from, to].map((end) => numberFlag('--beam', end, widths));
  if (least > most) {
    throw new UsageError(`--beam takes a range from the narrower to the wider, and "${text}" is none.`);
  }
  return Array.from({ length: most - least + 1 }, (_, place) => least + place);
}

function exponentOf(text: string): number {
  return numberFlag('--length-exponent', text, { least: 0, most: 2, fraction: true });
}

/** Checks all that can be checked before the work begins, which may take an hour. */
function readSettings(values: Values): EvaluationSettings {
  const { data, json, captions, html, limit, threads, 'per-image': perImage } = values;
  const settings = {
    split: choiceFlag('--split', values.split, splits),
    beams: [...new Set((values.beam ?? ['3']).flatMap(beamsOf))],
    lengthExponents: [...new Set((values['length-exponent'] ?? []).map(exponentOf))],
    limit: limit === undefined ? undefined : numberFlag('--limit', limit, { least: 1, most: LARGEST }),
    seed: numberFlag('--seed', values.seed, { least: 0, most: 2 ** 32 - 1 }),
    heldOut: numberFlag('--held-out', values['held-out'], { least: 0.001, most: 0.45, fraction: true }),
    threads: threadsFlag(threads),
    prefer: choiceFlag('--device', values.device, DEVICES),
    cache: values.cache,
    json,
    captions,
    perImage,
    html,
  };
  if (data === undefined) throw new UsageError('--data, the folder of the data set, is missing. See --help.');
  if (!statSync(data, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`--data ${data} is no folder. Name the one that holds the captions and the images.`);
  }
  const given = Math.max(settings.beams.length, settings.lengthExponents.length);
  if (captions !== undefined && given > 1) {
    throw new UsageError(
      `--captions is for one --beam and one --length-exponent, and ${given} are given. See --help.`,
    );
  }
  if (settings.lengthExponents.length > 0 && settings.beams.every((beam) => beam === 1)) {
    throw new UsageError('--length-exponent is for beams, and --beam 1 is greedy. Give a wider --beam.');
  }
  checkOutputFile('--json', json);
  checkOutputFile('--captions', captions);
  checkOutputFile('--per-image', perImage);
  checkOutputFile('--html', html);
  return { ...settings, model: modelFolder(values.model), data };
}

async function main(args: string[], terminal: Terminal): Promise<number> {
  const { values, positionals } = readArguments(args, FLAGS);
  if (values.help) terminal.print(HELP);
  else if (values.version) terminal.print(`ekphrasis ${packageVersion()}`);
  if (values.help || values.version) return 0;
  if (positionals.length)
    throw new UsageError(`every value has its flag, and "${positionals[0]}" has none. See --help.`);
  const settings = readSettings(values);
  // Imported here so that --help and mistakes answer before the engine and Dawn are loaded.
  const { evaluate } = await import('./evaluation/run.ts');
  await evaluate(settings, terminal);
  return 0;
}

await runCommand('evaluate', main);
